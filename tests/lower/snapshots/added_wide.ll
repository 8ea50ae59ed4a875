define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1, ptr %b2, i64 %site0.) #0 {
  %seen10 = alloca i64, align 64
  store i64 zeroinitializer, ptr %seen10, align 64
  %seen11 = alloca i64, align 64
  store i64 zeroinitializer, ptr %seen11, align 64
  %v2 = insertelement <8 x double> poison, double 0x0000000000000000, i64 0
  %v3 = shufflevector <8 x double> %v2, <8 x double> poison, <8 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v4 = mul nsw i64 %L1, 5
  %v5 = add nsw i64 %v4, 0
  %v6 = getelementptr inbounds double, ptr %b0, i64 %v5
  call void @llvm.masked.store.v8f64.p0(<8 x double> %v3, ptr %v6, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false>)
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 1
  %L1.more = icmp ult i64 %L1.next, 37
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  br label %L7.pre
  L7.pre:
  br label %L7.head
  L7.head:
  %L7 = phi i64 [ 0, %L7.pre ], [ %L7.next, %L7.latch ]
  %v8 = getelementptr inbounds i64, ptr %b1, i64 %L7
  %v9 = load i64, ptr %v8, align 8
  %v12 = load i64, ptr %seen10, align 64
  %v13 = call i64 @llvm.smin.i64(i64 %v12, i64 %v9)
  store i64 %v13, ptr %seen10, align 64
  %v14 = load i64, ptr %seen11, align 64
  %v15 = call i64 @llvm.smax.i64(i64 %v14, i64 %v9)
  store i64 %v15, ptr %seen11, align 64
  %v16 = icmp slt i64 %v9, 0
  %v17 = add i64 %v9, 37
  %v18 = select i1 %v16, i64 %v17, i64 %v9
  %v19 = call i64 @llvm.umin.i64(i64 %v18, i64 36)
  %v20 = mul nsw i64 %v19, 5
  %v21 = add nsw i64 %v20, 0
  %v22 = getelementptr inbounds double, ptr %b0, i64 %v21
  %v23 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %v22, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false>, <8 x double> zeroinitializer)
  %v24 = mul nsw i64 %L7, 5
  %v25 = add nsw i64 %v24, 0
  %v26 = getelementptr inbounds double, ptr %b2, i64 %v25
  %v27 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %v26, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false>, <8 x double> zeroinitializer)
  %v28 = fadd <8 x double> %v23, %v27
  call void @llvm.masked.store.v8f64.p0(<8 x double> %v28, ptr %v22, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false>)
  br label %L7.latch
  L7.latch:
  %L7.next = add nuw nsw i64 %L7, 1
  %L7.more = icmp ult i64 %L7.next, 200
  br i1 %L7.more, label %L7.head, label %L7.exit
  L7.exit:
  %v29 = load i64, ptr %seen10, align 64
  %v30 = load i64, ptr %seen11, align 64
  call void @report(ptr %errors, i64 %site0., i64 %v29, i64 %v30, i64 37)
  ret void
}
