define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1) #0 {
  %acc2 = alloca <2 x double>, align 64
  %acc5 = alloca <2 x double>, align 64
  %acc6 = alloca <2 x double>, align 64
  %acc7 = alloca <2 x double>, align 64
  %acc47 = alloca <2 x double>, align 64
  %acc48 = alloca <2 x double>, align 64
  %acc49 = alloca <2 x double>, align 64
  %acc50 = alloca <2 x double>, align 64
  %v3 = insertelement <2 x double> poison, double 0x0000000000000000, i64 0
  %v4 = shufflevector <2 x double> %v3, <2 x double> poison, <2 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  store <2 x double> %v4, ptr %acc2, align 64
  store <2 x double> %v4, ptr %acc5, align 64
  store <2 x double> %v4, ptr %acc6, align 64
  store <2 x double> %v4, ptr %acc7, align 64
  %v10 = mul nsw i64 %L1, 16384
  %v16 = mul nsw i64 %L1, 16384
  %v23 = mul nsw i64 %L1, 16384
  %v30 = mul nsw i64 %L1, 16384
  br label %L8.pre
  L8.pre:
  br label %L8.head
  L8.head:
  %L8 = phi i64 [ 0, %L8.pre ], [ %L8.next, %L8.latch ]
  %v9 = load <2 x double>, ptr %acc2, align 64
  %v11 = add nsw i64 %v10, %L8
  %v12 = getelementptr inbounds double, ptr %b0, i64 %v11
  %v13 = load <2 x double>, ptr %v12, align 8
  %v14 = call <2 x double> @llvm.fma.v2f64(<2 x double> %v13, <2 x double> %v13, <2 x double> %v9)
  store <2 x double> %v14, ptr %acc2, align 64
  %v15 = load <2 x double>, ptr %acc5, align 64
  %v17 = add nsw i64 %v16, %L8
  %v18 = add nsw i64 %v17, 2
  %v19 = getelementptr inbounds double, ptr %b0, i64 %v18
  %v20 = load <2 x double>, ptr %v19, align 8
  %v21 = call <2 x double> @llvm.fma.v2f64(<2 x double> %v20, <2 x double> %v20, <2 x double> %v15)
  store <2 x double> %v21, ptr %acc5, align 64
  %v22 = load <2 x double>, ptr %acc6, align 64
  %v24 = add nsw i64 %v23, %L8
  %v25 = add nsw i64 %v24, 4
  %v26 = getelementptr inbounds double, ptr %b0, i64 %v25
  %v27 = load <2 x double>, ptr %v26, align 8
  %v28 = call <2 x double> @llvm.fma.v2f64(<2 x double> %v27, <2 x double> %v27, <2 x double> %v22)
  store <2 x double> %v28, ptr %acc6, align 64
  %v29 = load <2 x double>, ptr %acc7, align 64
  %v31 = add nsw i64 %v30, %L8
  %v32 = add nsw i64 %v31, 6
  %v33 = getelementptr inbounds double, ptr %b0, i64 %v32
  %v34 = load <2 x double>, ptr %v33, align 8
  %v35 = call <2 x double> @llvm.fma.v2f64(<2 x double> %v34, <2 x double> %v34, <2 x double> %v29)
  store <2 x double> %v35, ptr %acc7, align 64
  br label %L8.latch
  L8.latch:
  %L8.next = add nuw nsw i64 %L8, 8
  %L8.more = icmp ult i64 %L8.next, 16384
  br i1 %L8.more, label %L8.head, label %L8.exit
  L8.exit:
  %v36 = load <2 x double>, ptr %acc2, align 64
  %v37 = load <2 x double>, ptr %acc5, align 64
  %v38 = fadd <2 x double> %v36, %v37
  %v39 = load <2 x double>, ptr %acc6, align 64
  %v40 = fadd <2 x double> %v38, %v39
  %v41 = load <2 x double>, ptr %acc7, align 64
  %v42 = fadd <2 x double> %v40, %v41
  %v43 = extractelement <2 x double> %v42, i64 0
  %v44 = extractelement <2 x double> %v42, i64 1
  %v45 = fadd double %v43, %v44
  %v46 = getelementptr inbounds double, ptr %b1, i64 %L1
  store double %v45, ptr %v46, align 8
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 1
  %L1.more = icmp ult i64 %L1.next, 6
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  store <2 x double> %v4, ptr %acc47, align 64
  store <2 x double> %v4, ptr %acc48, align 64
  store <2 x double> %v4, ptr %acc49, align 64
  store <2 x double> %v4, ptr %acc50, align 64
  br label %L51.pre
  L51.pre:
  br label %L51.head
  L51.head:
  %L51 = phi i64 [ 0, %L51.pre ], [ %L51.next, %L51.latch ]
  %v52 = load <2 x double>, ptr %acc47, align 64
  %v53 = add nsw i64 %L51, 98304
  %v54 = getelementptr inbounds double, ptr %b0, i64 %v53
  %v55 = load <2 x double>, ptr %v54, align 8
  %v56 = call <2 x double> @llvm.fma.v2f64(<2 x double> %v55, <2 x double> %v55, <2 x double> %v52)
  store <2 x double> %v56, ptr %acc47, align 64
  %v57 = load <2 x double>, ptr %acc48, align 64
  %v58 = add nsw i64 %L51, 98306
  %v59 = getelementptr inbounds double, ptr %b0, i64 %v58
  %v60 = load <2 x double>, ptr %v59, align 8
  %v61 = call <2 x double> @llvm.fma.v2f64(<2 x double> %v60, <2 x double> %v60, <2 x double> %v57)
  store <2 x double> %v61, ptr %acc48, align 64
  %v62 = load <2 x double>, ptr %acc49, align 64
  %v63 = add nsw i64 %L51, 98308
  %v64 = getelementptr inbounds double, ptr %b0, i64 %v63
  %v65 = load <2 x double>, ptr %v64, align 8
  %v66 = call <2 x double> @llvm.fma.v2f64(<2 x double> %v65, <2 x double> %v65, <2 x double> %v62)
  store <2 x double> %v66, ptr %acc49, align 64
  %v67 = load <2 x double>, ptr %acc50, align 64
  %v68 = add nsw i64 %L51, 98310
  %v69 = getelementptr inbounds double, ptr %b0, i64 %v68
  %v70 = load <2 x double>, ptr %v69, align 8
  %v71 = call <2 x double> @llvm.fma.v2f64(<2 x double> %v70, <2 x double> %v70, <2 x double> %v67)
  store <2 x double> %v71, ptr %acc50, align 64
  br label %L51.latch
  L51.latch:
  %L51.next = add nuw nsw i64 %L51, 8
  %L51.more = icmp ult i64 %L51.next, 1696
  br i1 %L51.more, label %L51.head, label %L51.exit
  L51.exit:
  %v72 = load <2 x double>, ptr %acc47, align 64
  %v73 = add nsw i64 0, 100000
  %v74 = getelementptr inbounds double, ptr %b0, i64 %v73
  %v75 = load <2 x double>, ptr %v74, align 8
  %v76 = call <2 x double> @llvm.fma.v2f64(<2 x double> %v75, <2 x double> %v75, <2 x double> %v72)
  store <2 x double> %v76, ptr %acc47, align 64
  %v77 = load <2 x double>, ptr %acc47, align 64
  %v78 = getelementptr inbounds double, ptr %b0, i64 100002
  %v79 = load double, ptr %v78, align 8
  %v80 = fmul double %v79, %v79
  %v81 = insertelement <2 x double> %v4, double %v80, i64 0
  %v82 = fadd <2 x double> %v77, %v81
  store <2 x double> %v82, ptr %acc47, align 64
  %v83 = load <2 x double>, ptr %acc47, align 64
  %v84 = load <2 x double>, ptr %acc48, align 64
  %v85 = fadd <2 x double> %v83, %v84
  %v86 = load <2 x double>, ptr %acc49, align 64
  %v87 = fadd <2 x double> %v85, %v86
  %v88 = load <2 x double>, ptr %acc50, align 64
  %v89 = fadd <2 x double> %v87, %v88
  %v90 = extractelement <2 x double> %v89, i64 0
  %v91 = extractelement <2 x double> %v89, i64 1
  %v92 = fadd double %v90, %v91
  %v93 = getelementptr inbounds double, ptr %b1, i64 6
  store double %v92, ptr %v93, align 8
  ret void
}

define internal void @kernel1(ptr %errors, ptr %b0, ptr %b1) #0 {
  %acc1 = alloca double, align 64
  store double 0x0000000000000000, ptr %acc1, align 64
  br label %L2.pre
  L2.pre:
  br label %L2.head
  L2.head:
  %L2 = phi i64 [ 0, %L2.pre ], [ %L2.next, %L2.latch ]
  %v3 = load double, ptr %acc1, align 64
  %v4 = getelementptr inbounds double, ptr %b0, i64 %L2
  %v5 = load double, ptr %v4, align 8
  %v6 = fadd double %v3, %v5
  store double %v6, ptr %acc1, align 64
  br label %L2.latch
  L2.latch:
  %L2.next = add nuw nsw i64 %L2, 1
  %L2.more = icmp ult i64 %L2.next, 7
  br i1 %L2.more, label %L2.head, label %L2.exit
  L2.exit:
  %v7 = load double, ptr %acc1, align 64
  %v8 = getelementptr inbounds double, ptr %b1, i64 0
  store double %v7, ptr %v8, align 8
  ret void
}
