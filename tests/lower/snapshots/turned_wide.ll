define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1) #0 {
  %v5 = insertelement <8 x i64> poison, i64 41, i64 0
  %v6 = shufflevector <8 x i64> %v5, <8 x i64> poison, <8 x i32> zeroinitializer
  %v9 = insertelement <8 x i64> poison, i64 30, i64 0
  %v10 = shufflevector <8 x i64> %v9, <8 x i64> poison, <8 x i32> zeroinitializer
  %v12 = insertelement <8 x i64> poison, i64 -1229, i64 0
  %v13 = shufflevector <8 x i64> %v12, <8 x i64> poison, <8 x i32> zeroinitializer
  %v17 = insertelement <8 x i1> poison, i1 true, i64 0
  %v18 = shufflevector <8 x i1> %v17, <8 x i1> poison, <8 x i32> zeroinitializer
  %v20 = insertelement <8 x double> poison, double 0x3FF0000000000000, i64 0
  %v21 = shufflevector <8 x double> %v20, <8 x double> poison, <8 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v2 = insertelement <8 x i64> poison, i64 %L1, i64 0
  %v3 = shufflevector <8 x i64> %v2, <8 x i64> poison, <8 x i32> zeroinitializer
  %v4 = add nsw <8 x i64> %v3, <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>
  %v7 = mul nsw <8 x i64> %v4, %v6
  %v8 = add nsw <8 x i64> %v3, <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>
  %v11 = udiv <8 x i64> %v8, %v10
  %v14 = mul nsw <8 x i64> %v11, %v13
  %v15 = add nsw <8 x i64> %v7, %v14
  %v16 = getelementptr double, ptr %b0, <8 x i64> %v15
  %v19 = call <8 x double> @llvm.masked.gather.v8f64.v8p0(<8 x ptr> %v16, i32 8, <8 x i1> %v18, <8 x double> zeroinitializer)
  %v22 = fadd <8 x double> %v19, %v21
  %v23 = getelementptr inbounds double, ptr %b1, i64 %L1
  store <8 x double> %v22, ptr %v23, align 8
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 8
  %L1.more = icmp ult i64 %L1.next, 1224
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  %v24 = insertelement <8 x i64> poison, i64 0, i64 0
  %v25 = shufflevector <8 x i64> %v24, <8 x i64> poison, <8 x i32> zeroinitializer
  %v26 = add nsw <8 x i64> %v25, <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>
  %v27 = mul nsw <8 x i64> %v26, %v6
  %v28 = insertelement <8 x i64> poison, i64 1024, i64 0
  %v29 = shufflevector <8 x i64> %v28, <8 x i64> poison, <8 x i32> zeroinitializer
  %v30 = add nsw <8 x i64> %v27, %v29
  %v31 = getelementptr double, ptr %b0, <8 x i64> %v30
  %v32 = call <8 x double> @llvm.masked.gather.v8f64.v8p0(<8 x ptr> %v31, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false>, <8 x double> zeroinitializer)
  %v33 = fadd <8 x double> %v32, %v21
  %v34 = add nsw i64 0, 1224
  %v35 = getelementptr inbounds double, ptr %b1, i64 %v34
  call void @llvm.masked.store.v8f64.p0(<8 x double> %v33, ptr %v35, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false>)
  ret void
}
