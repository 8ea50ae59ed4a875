define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1, ptr %b2) #0 {
  %spare36 = alloca double, align 64
  store double zeroinitializer, ptr %spare36, align 64
  %v10 = insertelement <2 x i64> poison, i64 -17, i64 0
  %v11 = shufflevector <2 x i64> %v10, <2 x i64> poison, <2 x i32> zeroinitializer
  %v13 = insertelement <2 x i64> poison, i64 30, i64 0
  %v14 = shufflevector <2 x i64> %v13, <2 x i64> poison, <2 x i32> zeroinitializer
  %v21 = insertelement <2 x double> poison, double 0x4000000000000000, i64 0
  %v22 = shufflevector <2 x double> %v21, <2 x double> poison, <2 x i32> zeroinitializer
  %v32 = icmp ult i64 -1, 30
  %v48 = insertelement <2 x i64> poison, i64 17, i64 0
  %v49 = shufflevector <2 x i64> %v48, <2 x i64> poison, <2 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v3 = mul nsw i64 %L1, 17
  %v16 = mul nsw i64 %L1, 30
  %v25 = mul nsw i64 %L1, 47
  br label %L2.pre
  L2.pre:
  br label %L2.head
  L2.head:
  %L2 = phi i64 [ 0, %L2.pre ], [ %L2.next, %L2.latch ]
  %v4 = add nsw i64 %v3, %L2
  %v5 = getelementptr inbounds double, ptr %b0, i64 %v4
  %v6 = load <2 x double>, ptr %v5, align 8
  %v7 = insertelement <2 x i64> poison, i64 %L2, i64 0
  %v8 = shufflevector <2 x i64> %v7, <2 x i64> poison, <2 x i32> zeroinitializer
  %v9 = add nsw <2 x i64> %v8, <i64 0, i64 1>
  %v12 = add nsw <2 x i64> %v9, %v11
  %v15 = icmp ult <2 x i64> %v12, %v14
  %v17 = add nsw i64 %v16, %L2
  %v18 = add nsw i64 %v17, -17
  %v19 = getelementptr inbounds double, ptr %b1, i64 %v18
  %v20 = call <2 x double> @llvm.masked.load.v2f64.p0(ptr %v19, i32 8, <2 x i1> %v15, <2 x double> zeroinitializer)
  %v23 = fmul <2 x double> %v20, %v22
  %v24 = select <2 x i1> %v15, <2 x double> %v23, <2 x double> %v6
  %v26 = add nsw i64 %v25, %L2
  %v27 = getelementptr inbounds double, ptr %b2, i64 %v26
  store <2 x double> %v24, ptr %v27, align 8
  br label %L2.latch
  L2.latch:
  %L2.next = add nuw nsw i64 %L2, 2
  %L2.more = icmp ult i64 %L2.next, 16
  br i1 %L2.more, label %L2.head, label %L2.exit
  L2.exit:
  %v28 = mul nsw i64 %L1, 17
  %v29 = add nsw i64 %v28, 16
  %v30 = getelementptr inbounds double, ptr %b0, i64 %v29
  %v31 = load double, ptr %v30, align 8
  %v33 = mul nsw i64 %L1, 30
  %v34 = add nsw i64 %v33, -1
  %v35 = getelementptr inbounds double, ptr %b1, i64 %v34
  %v37 = select i1 %v32, ptr %v35, ptr %spare36
  %v38 = load double, ptr %v37, align 8
  %v39 = fmul double %v38, 0x4000000000000000
  %v40 = select i1 %v32, double %v39, double %v31
  %v41 = mul nsw i64 %L1, 47
  %v42 = add nsw i64 %v41, 16
  %v43 = getelementptr inbounds double, ptr %b2, i64 %v42
  store double %v40, ptr %v43, align 8
  %v52 = mul nsw i64 %L1, 17
  %v57 = mul nsw i64 %L1, 30
  %v62 = mul nsw i64 %L1, 47
  br label %L44.pre
  L44.pre:
  br label %L44.head
  L44.head:
  %L44 = phi i64 [ 0, %L44.pre ], [ %L44.next, %L44.latch ]
  %v45 = insertelement <2 x i64> poison, i64 %L44, i64 0
  %v46 = shufflevector <2 x i64> %v45, <2 x i64> poison, <2 x i32> zeroinitializer
  %v47 = add nsw <2 x i64> %v46, <i64 0, i64 1>
  %v50 = add nsw <2 x i64> %v47, %v49
  %v51 = icmp ult <2 x i64> %v50, %v49
  %v53 = add nsw i64 %v52, %L44
  %v54 = add nsw i64 %v53, 17
  %v55 = getelementptr inbounds double, ptr %b0, i64 %v54
  %v56 = call <2 x double> @llvm.masked.load.v2f64.p0(ptr %v55, i32 8, <2 x i1> %v51, <2 x double> zeroinitializer)
  %v58 = add nsw i64 %v57, %L44
  %v59 = getelementptr inbounds double, ptr %b1, i64 %v58
  %v60 = load <2 x double>, ptr %v59, align 8
  %v61 = fmul <2 x double> %v60, %v22
  %v63 = add nsw i64 %v62, %L44
  %v64 = add nsw i64 %v63, 17
  %v65 = getelementptr inbounds double, ptr %b2, i64 %v64
  store <2 x double> %v61, ptr %v65, align 8
  br label %L44.latch
  L44.latch:
  %L44.next = add nuw nsw i64 %L44, 2
  %L44.more = icmp ult i64 %L44.next, 30
  br i1 %L44.more, label %L44.head, label %L44.exit
  L44.exit:
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 1
  %L1.more = icmp ult i64 %L1.next, 20
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  ret void
}
