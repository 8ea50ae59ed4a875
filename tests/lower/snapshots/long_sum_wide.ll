define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1) #0 {
  %acc2 = alloca <8 x double>, align 64
  %acc5 = alloca <8 x double>, align 64
  %acc6 = alloca <8 x double>, align 64
  %acc7 = alloca <8 x double>, align 64
  %acc53 = alloca <8 x double>, align 64
  %acc54 = alloca <8 x double>, align 64
  %acc55 = alloca <8 x double>, align 64
  %acc56 = alloca <8 x double>, align 64
  %v3 = insertelement <8 x double> poison, double 0x0000000000000000, i64 0
  %v4 = shufflevector <8 x double> %v3, <8 x double> poison, <8 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  store <8 x double> %v4, ptr %acc2, align 64
  store <8 x double> %v4, ptr %acc5, align 64
  store <8 x double> %v4, ptr %acc6, align 64
  store <8 x double> %v4, ptr %acc7, align 64
  %v10 = mul nsw i64 %L1, 16384
  %v16 = mul nsw i64 %L1, 16384
  %v23 = mul nsw i64 %L1, 16384
  %v30 = mul nsw i64 %L1, 16384
  br label %L8.pre
  L8.pre:
  br label %L8.head
  L8.head:
  %L8 = phi i64 [ 0, %L8.pre ], [ %L8.next, %L8.latch ]
  %v9 = load <8 x double>, ptr %acc2, align 64
  %v11 = add nsw i64 %v10, %L8
  %v12 = getelementptr inbounds double, ptr %b0, i64 %v11
  %v13 = load <8 x double>, ptr %v12, align 8
  %v14 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v13, <8 x double> %v13, <8 x double> %v9)
  store <8 x double> %v14, ptr %acc2, align 64
  %v15 = load <8 x double>, ptr %acc5, align 64
  %v17 = add nsw i64 %v16, %L8
  %v18 = add nsw i64 %v17, 8
  %v19 = getelementptr inbounds double, ptr %b0, i64 %v18
  %v20 = load <8 x double>, ptr %v19, align 8
  %v21 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v20, <8 x double> %v20, <8 x double> %v15)
  store <8 x double> %v21, ptr %acc5, align 64
  %v22 = load <8 x double>, ptr %acc6, align 64
  %v24 = add nsw i64 %v23, %L8
  %v25 = add nsw i64 %v24, 16
  %v26 = getelementptr inbounds double, ptr %b0, i64 %v25
  %v27 = load <8 x double>, ptr %v26, align 8
  %v28 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v27, <8 x double> %v27, <8 x double> %v22)
  store <8 x double> %v28, ptr %acc6, align 64
  %v29 = load <8 x double>, ptr %acc7, align 64
  %v31 = add nsw i64 %v30, %L8
  %v32 = add nsw i64 %v31, 24
  %v33 = getelementptr inbounds double, ptr %b0, i64 %v32
  %v34 = load <8 x double>, ptr %v33, align 8
  %v35 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v34, <8 x double> %v34, <8 x double> %v29)
  store <8 x double> %v35, ptr %acc7, align 64
  br label %L8.latch
  L8.latch:
  %L8.next = add nuw nsw i64 %L8, 32
  %L8.more = icmp ult i64 %L8.next, 16384
  br i1 %L8.more, label %L8.head, label %L8.exit
  L8.exit:
  %v36 = load <8 x double>, ptr %acc2, align 64
  %v37 = load <8 x double>, ptr %acc5, align 64
  %v38 = fadd <8 x double> %v36, %v37
  %v39 = load <8 x double>, ptr %acc6, align 64
  %v40 = fadd <8 x double> %v38, %v39
  %v41 = load <8 x double>, ptr %acc7, align 64
  %v42 = fadd <8 x double> %v40, %v41
  %v43 = shufflevector <8 x double> %v42, <8 x double> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v44 = shufflevector <8 x double> %v42, <8 x double> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v45 = fadd <4 x double> %v43, %v44
  %v46 = shufflevector <4 x double> %v45, <4 x double> poison, <2 x i32> <i32 0, i32 1>
  %v47 = shufflevector <4 x double> %v45, <4 x double> poison, <2 x i32> <i32 2, i32 3>
  %v48 = fadd <2 x double> %v46, %v47
  %v49 = extractelement <2 x double> %v48, i64 0
  %v50 = extractelement <2 x double> %v48, i64 1
  %v51 = fadd double %v49, %v50
  %v52 = getelementptr inbounds double, ptr %b1, i64 %L1
  store double %v51, ptr %v52, align 8
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 1
  %L1.more = icmp ult i64 %L1.next, 6
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  store <8 x double> %v4, ptr %acc53, align 64
  store <8 x double> %v4, ptr %acc54, align 64
  store <8 x double> %v4, ptr %acc55, align 64
  store <8 x double> %v4, ptr %acc56, align 64
  br label %L57.pre
  L57.pre:
  br label %L57.head
  L57.head:
  %L57 = phi i64 [ 0, %L57.pre ], [ %L57.next, %L57.latch ]
  %v58 = load <8 x double>, ptr %acc53, align 64
  %v59 = add nsw i64 %L57, 98304
  %v60 = getelementptr inbounds double, ptr %b0, i64 %v59
  %v61 = load <8 x double>, ptr %v60, align 8
  %v62 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v61, <8 x double> %v61, <8 x double> %v58)
  store <8 x double> %v62, ptr %acc53, align 64
  %v63 = load <8 x double>, ptr %acc54, align 64
  %v64 = add nsw i64 %L57, 98312
  %v65 = getelementptr inbounds double, ptr %b0, i64 %v64
  %v66 = load <8 x double>, ptr %v65, align 8
  %v67 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v66, <8 x double> %v66, <8 x double> %v63)
  store <8 x double> %v67, ptr %acc54, align 64
  %v68 = load <8 x double>, ptr %acc55, align 64
  %v69 = add nsw i64 %L57, 98320
  %v70 = getelementptr inbounds double, ptr %b0, i64 %v69
  %v71 = load <8 x double>, ptr %v70, align 8
  %v72 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v71, <8 x double> %v71, <8 x double> %v68)
  store <8 x double> %v72, ptr %acc55, align 64
  %v73 = load <8 x double>, ptr %acc56, align 64
  %v74 = add nsw i64 %L57, 98328
  %v75 = getelementptr inbounds double, ptr %b0, i64 %v74
  %v76 = load <8 x double>, ptr %v75, align 8
  %v77 = call <8 x double> @llvm.fma.v8f64(<8 x double> %v76, <8 x double> %v76, <8 x double> %v73)
  store <8 x double> %v77, ptr %acc56, align 64
  br label %L57.latch
  L57.latch:
  %L57.next = add nuw nsw i64 %L57, 32
  %L57.more = icmp ult i64 %L57.next, 1696
  br i1 %L57.more, label %L57.head, label %L57.exit
  L57.exit:
  %v78 = load <8 x double>, ptr %acc53, align 64
  %v79 = add nsw i64 0, 100000
  %v80 = getelementptr inbounds double, ptr %b0, i64 %v79
  %v81 = call <4 x double> @llvm.masked.load.v4f64.p0(ptr %v80, i32 8, <4 x i1> <i1 true, i1 true, i1 true, i1 false>, <4 x double> zeroinitializer)
  %v82 = fmul <4 x double> %v81, %v81
  %v83 = insertelement <4 x double> poison, double 0x0000000000000000, i64 0
  %v84 = shufflevector <4 x double> %v83, <4 x double> poison, <4 x i32> zeroinitializer
  %v85 = select <4 x i1> <i1 true, i1 true, i1 true, i1 false>, <4 x double> %v82, <4 x double> %v84
  %v86 = shufflevector <4 x double> %v85, <4 x double> poison, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 poison, i32 poison, i32 poison, i32 poison>
  %v87 = select <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false, i1 false>, <8 x double> %v86, <8 x double> %v4
  %v88 = fadd <8 x double> %v78, %v87
  store <8 x double> %v88, ptr %acc53, align 64
  %v89 = load <8 x double>, ptr %acc53, align 64
  %v90 = load <8 x double>, ptr %acc54, align 64
  %v91 = fadd <8 x double> %v89, %v90
  %v92 = load <8 x double>, ptr %acc55, align 64
  %v93 = fadd <8 x double> %v91, %v92
  %v94 = load <8 x double>, ptr %acc56, align 64
  %v95 = fadd <8 x double> %v93, %v94
  %v96 = shufflevector <8 x double> %v95, <8 x double> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v97 = shufflevector <8 x double> %v95, <8 x double> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v98 = fadd <4 x double> %v96, %v97
  %v99 = shufflevector <4 x double> %v98, <4 x double> poison, <2 x i32> <i32 0, i32 1>
  %v100 = shufflevector <4 x double> %v98, <4 x double> poison, <2 x i32> <i32 2, i32 3>
  %v101 = fadd <2 x double> %v99, %v100
  %v102 = extractelement <2 x double> %v101, i64 0
  %v103 = extractelement <2 x double> %v101, i64 1
  %v104 = fadd double %v102, %v103
  %v105 = getelementptr inbounds double, ptr %b1, i64 6
  store double %v104, ptr %v105, align 8
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
