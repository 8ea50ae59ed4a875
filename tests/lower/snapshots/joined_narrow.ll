define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1, ptr %b2) #0 {
  %spare36 = alloca double, align 64
  store double zeroinitializer, ptr %spare36, align 64
  %v6 = insertelement <2 x i64> poison, i64 17, i64 0
  %v7 = shufflevector <2 x i64> %v6, <2 x i64> poison, <2 x i32> zeroinitializer
  %v14 = insertelement <2 x i64> poison, i64 -17, i64 0
  %v15 = shufflevector <2 x i64> %v14, <2 x i64> poison, <2 x i32> zeroinitializer
  %v17 = insertelement <2 x i64> poison, i64 30, i64 0
  %v18 = shufflevector <2 x i64> %v17, <2 x i64> poison, <2 x i32> zeroinitializer
  %v25 = insertelement <2 x double> poison, double 0x4000000000000000, i64 0
  %v26 = shufflevector <2 x double> %v25, <2 x double> poison, <2 x i32> zeroinitializer
  %v32 = icmp ult i64 46, 17
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
  %v3 = insertelement <2 x i64> poison, i64 %L2, i64 0
  %v4 = shufflevector <2 x i64> %v3, <2 x i64> poison, <2 x i32> zeroinitializer
  %v5 = add nsw <2 x i64> %v4, <i64 0, i64 1>
  %v8 = icmp ult <2 x i64> %v5, %v7
  %v10 = add nsw i64 %v9, %L2
  %v11 = getelementptr inbounds double, ptr %b0, i64 %v10
  %v12 = call <2 x double> @llvm.masked.load.v2f64.p0(ptr %v11, i32 8, <2 x i1> %v8, <2 x double> zeroinitializer)
  %v13 = add nsw <2 x i64> %v4, <i64 0, i64 1>
  %v16 = add nsw <2 x i64> %v13, %v15
  %v19 = icmp ult <2 x i64> %v16, %v18
  %v21 = add nsw i64 %v20, %L2
  %v22 = add nsw i64 %v21, -17
  %v23 = getelementptr inbounds double, ptr %b1, i64 %v22
  %v24 = call <2 x double> @llvm.masked.load.v2f64.p0(ptr %v23, i32 8, <2 x i1> %v19, <2 x double> zeroinitializer)
  %v27 = fmul <2 x double> %v24, %v26
  %v28 = select <2 x i1> %v19, <2 x double> %v27, <2 x double> %v12
  %v30 = add nsw i64 %v29, %L2
  %v31 = getelementptr inbounds double, ptr %b2, i64 %v30
  store <2 x double> %v28, ptr %v31, align 8
  br label %L2.latch
  L2.latch:
  %L2.next = add nuw nsw i64 %L2, 2
  %L2.more = icmp ult i64 %L2.next, 46
  br i1 %L2.more, label %L2.head, label %L2.exit
  L2.exit:
  %v33 = mul nsw i64 %L1, 17
  %v34 = add nsw i64 %v33, 46
  %v35 = getelementptr inbounds double, ptr %b0, i64 %v34
  %v37 = select i1 %v32, ptr %v35, ptr %spare36
  %v38 = load double, ptr %v37, align 8
  %v39 = mul nsw i64 %L1, 30
  %v40 = add nsw i64 %v39, 29
  %v41 = getelementptr inbounds double, ptr %b1, i64 %v40
  %v42 = load double, ptr %v41, align 8
  %v43 = fmul double %v42, 0x4000000000000000
  %v44 = mul nsw i64 %L1, 47
  %v45 = add nsw i64 %v44, 46
  %v46 = getelementptr inbounds double, ptr %b2, i64 %v45
  store double %v43, ptr %v46, align 8
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 1
  %L1.more = icmp ult i64 %L1.next, 20
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  ret void
}
