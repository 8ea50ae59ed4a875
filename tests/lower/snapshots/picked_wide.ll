define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1, ptr %b2, i64 %site0.) #0 {
  %seen4 = alloca i64, align 64
  store i64 zeroinitializer, ptr %seen4, align 64
  %seen5 = alloca i64, align 64
  store i64 zeroinitializer, ptr %seen5, align 64
  %v18 = insertelement <8 x double> poison, double 0x4000000000000000, i64 0
  %v19 = shufflevector <8 x double> %v18, <8 x double> poison, <8 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v2 = getelementptr inbounds i64, ptr %b0, i64 %L1
  %v3 = load i64, ptr %v2, align 8
  %v6 = load i64, ptr %seen4, align 64
  %v7 = call i64 @llvm.smin.i64(i64 %v6, i64 %v3)
  store i64 %v7, ptr %seen4, align 64
  %v8 = load i64, ptr %seen5, align 64
  %v9 = call i64 @llvm.smax.i64(i64 %v8, i64 %v3)
  store i64 %v9, ptr %seen5, align 64
  %v10 = icmp slt i64 %v3, 0
  %v11 = add i64 %v3, 37
  %v12 = select i1 %v10, i64 %v11, i64 %v3
  %v13 = call i64 @llvm.umin.i64(i64 %v12, i64 36)
  %v14 = mul nsw i64 %v13, 5
  %v15 = add nsw i64 %v14, 0
  %v16 = getelementptr inbounds double, ptr %b1, i64 %v15
  %v17 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %v16, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false>, <8 x double> zeroinitializer)
  %v20 = fmul <8 x double> %v17, %v19
  %v21 = mul nsw i64 %L1, 5
  %v22 = add nsw i64 %v21, 0
  %v23 = getelementptr inbounds double, ptr %b2, i64 %v22
  call void @llvm.masked.store.v8f64.p0(<8 x double> %v20, ptr %v23, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false>)
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 1
  %L1.more = icmp ult i64 %L1.next, 200
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  %v24 = load i64, ptr %seen4, align 64
  %v25 = load i64, ptr %seen5, align 64
  call void @report(ptr %errors, i64 %site0., i64 %v24, i64 %v25, i64 37)
  ret void
}
