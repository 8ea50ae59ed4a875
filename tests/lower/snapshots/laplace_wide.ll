define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1) #0 {
  %spare49 = alloca double, align 64
  store double zeroinitializer, ptr %spare49, align 64
  %v8 = insertelement <8 x i64> poison, i64 -1, i64 0
  %v9 = shufflevector <8 x i64> %v8, <8 x i64> poison, <8 x i32> zeroinitializer
  %v11 = insertelement <8 x i64> poison, i64 39, i64 0
  %v12 = shufflevector <8 x i64> %v11, <8 x i64> poison, <8 x i32> zeroinitializer
  %v32 = insertelement <8 x double> poison, double 0x4000000000000000, i64 0
  %v33 = shufflevector <8 x double> %v32, <8 x double> poison, <8 x i32> zeroinitializer
  %v36 = insertelement <8 x double> poison, double 0x3FB999999999999A, i64 0
  %v37 = shufflevector <8 x double> %v36, <8 x double> poison, <8 x i32> zeroinitializer
  %v44 = icmp ult i64 39, 39
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v3 = add nsw i64 %L1, -1
  %v4 = icmp ult i64 %v3, 58
  %v14 = insertelement <8 x i1> poison, i1 %v4, i64 0
  %v15 = shufflevector <8 x i1> %v14, <8 x i1> poison, <8 x i32> zeroinitializer
  %v17 = mul nsw i64 %L1, 41
  %v21 = mul nsw i64 %L1, 41
  %v26 = mul nsw i64 %L1, 41
  br label %L2.pre
  L2.pre:
  br label %L2.head
  L2.head:
  %L2 = phi i64 [ 0, %L2.pre ], [ %L2.next, %L2.latch ]
  %v5 = insertelement <8 x i64> poison, i64 %L2, i64 0
  %v6 = shufflevector <8 x i64> %v5, <8 x i64> poison, <8 x i32> zeroinitializer
  %v7 = add nsw <8 x i64> %v6, <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>
  %v10 = add nsw <8 x i64> %v7, %v9
  %v13 = icmp ult <8 x i64> %v10, %v12
  %v16 = and <8 x i1> %v15, %v13
  %v18 = add nsw i64 %v17, %L2
  %v19 = getelementptr inbounds double, ptr %b0, i64 %v18
  %v20 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %v19, i32 8, <8 x i1> %v16, <8 x double> zeroinitializer)
  %v22 = add nsw i64 %v21, %L2
  %v23 = add nsw i64 %v22, 41
  %v24 = getelementptr inbounds double, ptr %b0, i64 %v23
  %v25 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %v24, i32 8, <8 x i1> %v16, <8 x double> zeroinitializer)
  %v27 = add nsw i64 %v26, %L2
  %v28 = add nsw i64 %v27, -41
  %v29 = getelementptr inbounds double, ptr %b0, i64 %v28
  %v30 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %v29, i32 8, <8 x i1> %v16, <8 x double> zeroinitializer)
  %v31 = fadd <8 x double> %v25, %v30
  %v34 = fmul <8 x double> %v33, %v20
  %v35 = fsub <8 x double> %v31, %v34
  %v38 = fmul <8 x double> %v37, %v35
  %v39 = fadd <8 x double> %v20, %v38
  %v40 = load <8 x double>, ptr %v19, align 8
  %v41 = select <8 x i1> %v16, <8 x double> %v39, <8 x double> %v40
  %v42 = getelementptr inbounds double, ptr %b1, i64 %v18
  store <8 x double> %v41, ptr %v42, align 8
  br label %L2.latch
  L2.latch:
  %L2.next = add nuw nsw i64 %L2, 8
  %L2.more = icmp ult i64 %L2.next, 40
  br i1 %L2.more, label %L2.head, label %L2.exit
  L2.exit:
  %v43 = icmp ult i64 %v3, 58
  %v45 = and i1 %v43, %v44
  %v46 = mul nsw i64 %L1, 41
  %v47 = add nsw i64 %v46, 40
  %v48 = getelementptr inbounds double, ptr %b0, i64 %v47
  %v50 = select i1 %v45, ptr %v48, ptr %spare49
  %v51 = load double, ptr %v50, align 8
  %v52 = mul nsw i64 %L1, 41
  %v53 = add nsw i64 %v52, 81
  %v54 = getelementptr inbounds double, ptr %b0, i64 %v53
  %v55 = select i1 %v45, ptr %v54, ptr %spare49
  %v56 = load double, ptr %v55, align 8
  %v57 = mul nsw i64 %L1, 41
  %v58 = add nsw i64 %v57, -1
  %v59 = getelementptr inbounds double, ptr %b0, i64 %v58
  %v60 = select i1 %v45, ptr %v59, ptr %spare49
  %v61 = load double, ptr %v60, align 8
  %v62 = fadd double %v56, %v61
  %v63 = fmul double 0x4000000000000000, %v51
  %v64 = fsub double %v62, %v63
  %v65 = fmul double 0x3FB999999999999A, %v64
  %v66 = fadd double %v51, %v65
  %v67 = load double, ptr %v48, align 8
  %v68 = select i1 %v45, double %v66, double %v67
  %v69 = getelementptr inbounds double, ptr %b1, i64 %v47
  store double %v68, ptr %v69, align 8
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 1
  %L1.more = icmp ult i64 %L1.next, 60
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  ret void
}
