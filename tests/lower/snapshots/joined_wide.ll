define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1, ptr %b2) #0 {
  %v6 = insertelement <8 x i64> poison, i64 17, i64 0
  %v7 = shufflevector <8 x i64> %v6, <8 x i64> poison, <8 x i32> zeroinitializer
  %v14 = insertelement <8 x i64> poison, i64 -17, i64 0
  %v15 = shufflevector <8 x i64> %v14, <8 x i64> poison, <8 x i32> zeroinitializer
  %v17 = insertelement <8 x i64> poison, i64 30, i64 0
  %v18 = shufflevector <8 x i64> %v17, <8 x i64> poison, <8 x i32> zeroinitializer
  %v25 = insertelement <8 x double> poison, double 0x4000000000000000, i64 0
  %v26 = shufflevector <8 x double> %v25, <8 x double> poison, <8 x i32> zeroinitializer
  %v32 = insertelement <8 x i64> poison, i64 0, i64 0
  %v33 = shufflevector <8 x i64> %v32, <8 x i64> poison, <8 x i32> zeroinitializer
  %v34 = add nsw <8 x i64> %v33, <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>
  %v35 = insertelement <8 x i64> poison, i64 40, i64 0
  %v36 = shufflevector <8 x i64> %v35, <8 x i64> poison, <8 x i32> zeroinitializer
  %v37 = add nsw <8 x i64> %v34, %v36
  %v38 = icmp ult <8 x i64> %v37, %v7
  %v39 = and <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 false>, %v38
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v9 = mul nsw i64 %L1, 17
  %v20 = mul nsw i64 %L1, 30
  %v29 = mul nsw i64 %L1, 47
  br label %L2.pre
  L2.pre:
  br label %L2.head
  L2.head:
  %L2 = phi i64 [ 0, %L2.pre ], [ %L2.next, %L2.latch ]
  %v3 = insertelement <8 x i64> poison, i64 %L2, i64 0
  %v4 = shufflevector <8 x i64> %v3, <8 x i64> poison, <8 x i32> zeroinitializer
  %v5 = add nsw <8 x i64> %v4, <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>
  %v8 = icmp ult <8 x i64> %v5, %v7
  %v10 = add nsw i64 %v9, %L2
  %v11 = getelementptr inbounds double, ptr %b0, i64 %v10
  %v12 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %v11, i32 8, <8 x i1> %v8, <8 x double> zeroinitializer)
  %v13 = add nsw <8 x i64> %v4, <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>
  %v16 = add nsw <8 x i64> %v13, %v15
  %v19 = icmp ult <8 x i64> %v16, %v18
  %v21 = add nsw i64 %v20, %L2
  %v22 = add nsw i64 %v21, -17
  %v23 = getelementptr inbounds double, ptr %b1, i64 %v22
  %v24 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %v23, i32 8, <8 x i1> %v19, <8 x double> zeroinitializer)
  %v27 = fmul <8 x double> %v24, %v26
  %v28 = select <8 x i1> %v19, <8 x double> %v27, <8 x double> %v12
  %v30 = add nsw i64 %v29, %L2
  %v31 = getelementptr inbounds double, ptr %b2, i64 %v30
  store <8 x double> %v28, ptr %v31, align 8
  br label %L2.latch
  L2.latch:
  %L2.next = add nuw nsw i64 %L2, 8
  %L2.more = icmp ult i64 %L2.next, 40
  br i1 %L2.more, label %L2.head, label %L2.exit
  L2.exit:
  %v40 = mul nsw i64 %L1, 17
  %v41 = add nsw i64 %v40, 0
  %v42 = add nsw i64 %v41, 40
  %v43 = getelementptr inbounds double, ptr %b0, i64 %v42
  %v44 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %v43, i32 8, <8 x i1> %v39, <8 x double> zeroinitializer)
  %v45 = mul nsw i64 %L1, 30
  %v46 = add nsw i64 %v45, 0
  %v47 = add nsw i64 %v46, 23
  %v48 = getelementptr inbounds double, ptr %b1, i64 %v47
  %v49 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %v48, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 false>, <8 x double> zeroinitializer)
  %v50 = fmul <8 x double> %v49, %v26
  %v51 = mul nsw i64 %L1, 47
  %v52 = add nsw i64 %v51, 0
  %v53 = add nsw i64 %v52, 40
  %v54 = getelementptr inbounds double, ptr %b2, i64 %v53
  call void @llvm.masked.store.v8f64.p0(<8 x double> %v50, ptr %v54, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 false>)
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 1
  %L1.more = icmp ult i64 %L1.next, 20
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  ret void
}
