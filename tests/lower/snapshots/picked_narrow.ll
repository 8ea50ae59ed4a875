define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1, ptr %b2, i64 %site0.) #0 {
  %seen5 = alloca i64, align 64
  store i64 zeroinitializer, ptr %seen5, align 64
  %seen6 = alloca i64, align 64
  store i64 zeroinitializer, ptr %seen6, align 64
  %v19 = insertelement <2 x double> poison, double 0x4000000000000000, i64 0
  %v20 = shufflevector <2 x double> %v19, <2 x double> poison, <2 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v3 = getelementptr inbounds i64, ptr %b0, i64 %L1
  %v4 = load i64, ptr %v3, align 8
  %v7 = load i64, ptr %seen5, align 64
  %v8 = call i64 @llvm.smin.i64(i64 %v7, i64 %v4)
  store i64 %v8, ptr %seen5, align 64
  %v9 = load i64, ptr %seen6, align 64
  %v10 = call i64 @llvm.smax.i64(i64 %v9, i64 %v4)
  store i64 %v10, ptr %seen6, align 64
  %v11 = icmp slt i64 %v4, 0
  %v12 = add i64 %v4, 37
  %v13 = select i1 %v11, i64 %v12, i64 %v4
  %v14 = call i64 @llvm.umin.i64(i64 %v13, i64 36)
  %v15 = mul nsw i64 %v14, 5
  %v22 = mul nsw i64 %L1, 5
  br label %L2.pre
  L2.pre:
  br label %L2.head
  L2.head:
  %L2 = phi i64 [ 0, %L2.pre ], [ %L2.next, %L2.latch ]
  %v16 = add nsw i64 %v15, %L2
  %v17 = getelementptr inbounds double, ptr %b1, i64 %v16
  %v18 = load <2 x double>, ptr %v17, align 8
  %v21 = fmul <2 x double> %v18, %v20
  %v23 = add nsw i64 %v22, %L2
  %v24 = getelementptr inbounds double, ptr %b2, i64 %v23
  store <2 x double> %v21, ptr %v24, align 8
  br label %L2.latch
  L2.latch:
  %L2.next = add nuw nsw i64 %L2, 2
  %L2.more = icmp ult i64 %L2.next, 4
  br i1 %L2.more, label %L2.head, label %L2.exit
  L2.exit:
  %v25 = mul nsw i64 %v14, 5
  %v26 = add nsw i64 %v25, 4
  %v27 = getelementptr inbounds double, ptr %b1, i64 %v26
  %v28 = load double, ptr %v27, align 8
  %v29 = fmul double %v28, 0x4000000000000000
  %v30 = mul nsw i64 %L1, 5
  %v31 = add nsw i64 %v30, 4
  %v32 = getelementptr inbounds double, ptr %b2, i64 %v31
  store double %v29, ptr %v32, align 8
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 1
  %L1.more = icmp ult i64 %L1.next, 200
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  %v33 = load i64, ptr %seen5, align 64
  %v34 = load i64, ptr %seen6, align 64
  call void @report(ptr %errors, i64 %site0., i64 %v33, i64 %v34, i64 37)
  ret void
}
