define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1, ptr %b2, i64 %site0.) #0 {
  %seen13 = alloca i64, align 64
  store i64 zeroinitializer, ptr %seen13, align 64
  %seen14 = alloca i64, align 64
  store i64 zeroinitializer, ptr %seen14, align 64
  %v2 = insertelement <4 x double> poison, double 0x0000000000000000, i64 0
  %v3 = shufflevector <4 x double> %v2, <4 x double> poison, <4 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v4 = mul nsw i64 %L1, 5
  %v5 = add nsw i64 %v4, 0
  %v6 = getelementptr inbounds double, ptr %b0, i64 %v5
  store <4 x double> %v3, ptr %v6, align 8
  %v7 = mul nsw i64 %L1, 5
  %v8 = add nsw i64 %v7, 4
  %v9 = getelementptr inbounds double, ptr %b0, i64 %v8
  store double 0x0000000000000000, ptr %v9, align 8
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 1
  %L1.more = icmp ult i64 %L1.next, 37
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  br label %L10.pre
  L10.pre:
  br label %L10.head
  L10.head:
  %L10 = phi i64 [ 0, %L10.pre ], [ %L10.next, %L10.latch ]
  %v11 = getelementptr inbounds i64, ptr %b1, i64 %L10
  %v12 = load i64, ptr %v11, align 8
  %v15 = load i64, ptr %seen13, align 64
  %v16 = call i64 @llvm.smin.i64(i64 %v15, i64 %v12)
  store i64 %v16, ptr %seen13, align 64
  %v17 = load i64, ptr %seen14, align 64
  %v18 = call i64 @llvm.smax.i64(i64 %v17, i64 %v12)
  store i64 %v18, ptr %seen14, align 64
  %v19 = icmp slt i64 %v12, 0
  %v20 = add i64 %v12, 37
  %v21 = select i1 %v19, i64 %v20, i64 %v12
  %v22 = call i64 @llvm.umin.i64(i64 %v21, i64 36)
  %v23 = mul nsw i64 %v22, 5
  %v24 = add nsw i64 %v23, 0
  %v25 = getelementptr inbounds double, ptr %b0, i64 %v24
  %v26 = load <4 x double>, ptr %v25, align 8
  %v27 = mul nsw i64 %L10, 5
  %v28 = add nsw i64 %v27, 0
  %v29 = getelementptr inbounds double, ptr %b2, i64 %v28
  %v30 = load <4 x double>, ptr %v29, align 8
  %v31 = fadd <4 x double> %v26, %v30
  store <4 x double> %v31, ptr %v25, align 8
  %v32 = mul nsw i64 %v22, 5
  %v33 = add nsw i64 %v32, 4
  %v34 = getelementptr inbounds double, ptr %b0, i64 %v33
  %v35 = load double, ptr %v34, align 8
  %v36 = mul nsw i64 %L10, 5
  %v37 = add nsw i64 %v36, 4
  %v38 = getelementptr inbounds double, ptr %b2, i64 %v37
  %v39 = load double, ptr %v38, align 8
  %v40 = fadd double %v35, %v39
  store double %v40, ptr %v34, align 8
  br label %L10.latch
  L10.latch:
  %L10.next = add nuw nsw i64 %L10, 1
  %L10.more = icmp ult i64 %L10.next, 200
  br i1 %L10.more, label %L10.head, label %L10.exit
  L10.exit:
  %v41 = load i64, ptr %seen13, align 64
  %v42 = load i64, ptr %seen14, align 64
  call void @report(ptr %errors, i64 %site0., i64 %v41, i64 %v42, i64 37)
  ret void
}
