define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1) #0 {
  %v5 = insertelement <2 x i64> poison, i64 41, i64 0
  %v6 = shufflevector <2 x i64> %v5, <2 x i64> poison, <2 x i32> zeroinitializer
  %v9 = insertelement <2 x i64> poison, i64 30, i64 0
  %v10 = shufflevector <2 x i64> %v9, <2 x i64> poison, <2 x i32> zeroinitializer
  %v12 = insertelement <2 x i64> poison, i64 -1229, i64 0
  %v13 = shufflevector <2 x i64> %v12, <2 x i64> poison, <2 x i32> zeroinitializer
  %v17 = insertelement <2 x i1> poison, i1 true, i64 0
  %v18 = shufflevector <2 x i1> %v17, <2 x i1> poison, <2 x i32> zeroinitializer
  %v20 = insertelement <2 x double> poison, double 0x3FF0000000000000, i64 0
  %v21 = shufflevector <2 x double> %v20, <2 x double> poison, <2 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v2 = insertelement <2 x i64> poison, i64 %L1, i64 0
  %v3 = shufflevector <2 x i64> %v2, <2 x i64> poison, <2 x i32> zeroinitializer
  %v4 = add nsw <2 x i64> %v3, <i64 0, i64 1>
  %v7 = mul nsw <2 x i64> %v4, %v6
  %v8 = add nsw <2 x i64> %v3, <i64 0, i64 1>
  %v11 = udiv <2 x i64> %v8, %v10
  %v14 = mul nsw <2 x i64> %v11, %v13
  %v15 = add nsw <2 x i64> %v7, %v14
  %v16 = getelementptr double, ptr %b0, <2 x i64> %v15
  %v19 = call <2 x double> @llvm.masked.gather.v2f64.v2p0(<2 x ptr> %v16, i32 8, <2 x i1> %v18, <2 x double> zeroinitializer)
  %v22 = fadd <2 x double> %v19, %v21
  %v23 = getelementptr inbounds double, ptr %b1, i64 %L1
  store <2 x double> %v22, ptr %v23, align 8
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 2
  %L1.more = icmp ult i64 %L1.next, 1230
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  ret void
}
