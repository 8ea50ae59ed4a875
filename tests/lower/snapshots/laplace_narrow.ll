define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1) #0 {
  %spare39 = alloca double, align 64
  store double zeroinitializer, ptr %spare39, align 64
  %v2 = icmp ult i64 -1, 58
  %v6 = insertelement <2 x i64> poison, i64 -1, i64 0
  %v7 = shufflevector <2 x i64> %v6, <2 x i64> poison, <2 x i32> zeroinitializer
  %v9 = insertelement <2 x i64> poison, i64 39, i64 0
  %v10 = shufflevector <2 x i64> %v9, <2 x i64> poison, <2 x i32> zeroinitializer
  %v12 = insertelement <2 x i1> poison, i1 %v2, i64 0
  %v13 = shufflevector <2 x i1> %v12, <2 x i1> poison, <2 x i32> zeroinitializer
  %v24 = insertelement <2 x double> poison, double 0x4000000000000000, i64 0
  %v25 = shufflevector <2 x double> %v24, <2 x double> poison, <2 x i32> zeroinitializer
  %v28 = insertelement <2 x double> poison, double 0x3FB999999999999A, i64 0
  %v29 = shufflevector <2 x double> %v28, <2 x double> poison, <2 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v3 = insertelement <2 x i64> poison, i64 %L1, i64 0
  %v4 = shufflevector <2 x i64> %v3, <2 x i64> poison, <2 x i32> zeroinitializer
  %v5 = add nsw <2 x i64> %v4, <i64 0, i64 1>
  %v8 = add nsw <2 x i64> %v5, %v7
  %v11 = icmp ult <2 x i64> %v8, %v10
  %v14 = and <2 x i1> %v13, %v11
  %v15 = getelementptr inbounds double, ptr %b0, i64 %L1
  %v16 = call <2 x double> @llvm.masked.load.v2f64.p0(ptr %v15, i32 8, <2 x i1> %v14, <2 x double> zeroinitializer)
  %v17 = add nsw i64 %L1, 41
  %v18 = getelementptr inbounds double, ptr %b0, i64 %v17
  %v19 = call <2 x double> @llvm.masked.load.v2f64.p0(ptr %v18, i32 8, <2 x i1> %v14, <2 x double> zeroinitializer)
  %v20 = add nsw i64 %L1, -41
  %v21 = getelementptr inbounds double, ptr %b0, i64 %v20
  %v22 = call <2 x double> @llvm.masked.load.v2f64.p0(ptr %v21, i32 8, <2 x i1> %v14, <2 x double> zeroinitializer)
  %v23 = fadd <2 x double> %v19, %v22
  %v26 = fmul <2 x double> %v25, %v16
  %v27 = fsub <2 x double> %v23, %v26
  %v30 = fmul <2 x double> %v29, %v27
  %v31 = fadd <2 x double> %v16, %v30
  %v32 = load <2 x double>, ptr %v15, align 8
  %v33 = select <2 x i1> %v14, <2 x double> %v31, <2 x double> %v32
  %v34 = getelementptr inbounds double, ptr %b1, i64 %L1
  store <2 x double> %v33, ptr %v34, align 8
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 2
  %L1.more = icmp ult i64 %L1.next, 40
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  %v35 = icmp ult i64 -1, 58
  %v36 = icmp ult i64 39, 39
  %v37 = and i1 %v35, %v36
  %v38 = getelementptr inbounds double, ptr %b0, i64 40
  %v40 = select i1 %v37, ptr %v38, ptr %spare39
  %v41 = load double, ptr %v40, align 8
  %v42 = getelementptr inbounds double, ptr %b0, i64 81
  %v43 = select i1 %v37, ptr %v42, ptr %spare39
  %v44 = load double, ptr %v43, align 8
  %v45 = getelementptr inbounds double, ptr %b0, i64 -1
  %v46 = select i1 %v37, ptr %v45, ptr %spare39
  %v47 = load double, ptr %v46, align 8
  %v48 = fadd double %v44, %v47
  %v49 = fmul double 0x4000000000000000, %v41
  %v50 = fsub double %v48, %v49
  %v51 = fmul double 0x3FB999999999999A, %v50
  %v52 = fadd double %v41, %v51
  %v53 = load double, ptr %v38, align 8
  %v54 = select i1 %v37, double %v52, double %v53
  %v55 = getelementptr inbounds double, ptr %b1, i64 40
  store double %v54, ptr %v55, align 8
  %v85 = icmp ult i64 39, 39
  br label %L56.pre
  L56.pre:
  br label %L56.head
  L56.head:
  %L56 = phi i64 [ 0, %L56.pre ], [ %L56.next, %L56.latch ]
  %v63 = mul nsw i64 %L56, 41
  %v68 = mul nsw i64 %L56, 41
  %v73 = mul nsw i64 %L56, 41
  br label %L57.pre
  L57.pre:
  br label %L57.head
  L57.head:
  %L57 = phi i64 [ 0, %L57.pre ], [ %L57.next, %L57.latch ]
  %v58 = insertelement <2 x i64> poison, i64 %L57, i64 0
  %v59 = shufflevector <2 x i64> %v58, <2 x i64> poison, <2 x i32> zeroinitializer
  %v60 = add nsw <2 x i64> %v59, <i64 0, i64 1>
  %v61 = add nsw <2 x i64> %v60, %v7
  %v62 = icmp ult <2 x i64> %v61, %v10
  %v64 = add nsw i64 %v63, %L57
  %v65 = add nsw i64 %v64, 41
  %v66 = getelementptr inbounds double, ptr %b0, i64 %v65
  %v67 = call <2 x double> @llvm.masked.load.v2f64.p0(ptr %v66, i32 8, <2 x i1> %v62, <2 x double> zeroinitializer)
  %v69 = add nsw i64 %v68, %L57
  %v70 = add nsw i64 %v69, 82
  %v71 = getelementptr inbounds double, ptr %b0, i64 %v70
  %v72 = call <2 x double> @llvm.masked.load.v2f64.p0(ptr %v71, i32 8, <2 x i1> %v62, <2 x double> zeroinitializer)
  %v74 = add nsw i64 %v73, %L57
  %v75 = getelementptr inbounds double, ptr %b0, i64 %v74
  %v76 = call <2 x double> @llvm.masked.load.v2f64.p0(ptr %v75, i32 8, <2 x i1> %v62, <2 x double> zeroinitializer)
  %v77 = fadd <2 x double> %v72, %v76
  %v78 = fmul <2 x double> %v25, %v67
  %v79 = fsub <2 x double> %v77, %v78
  %v80 = fmul <2 x double> %v29, %v79
  %v81 = fadd <2 x double> %v67, %v80
  %v82 = load <2 x double>, ptr %v66, align 8
  %v83 = select <2 x i1> %v62, <2 x double> %v81, <2 x double> %v82
  %v84 = getelementptr inbounds double, ptr %b1, i64 %v65
  store <2 x double> %v83, ptr %v84, align 8
  br label %L57.latch
  L57.latch:
  %L57.next = add nuw nsw i64 %L57, 2
  %L57.more = icmp ult i64 %L57.next, 40
  br i1 %L57.more, label %L57.head, label %L57.exit
  L57.exit:
  %v86 = mul nsw i64 %L56, 41
  %v87 = add nsw i64 %v86, 81
  %v88 = getelementptr inbounds double, ptr %b0, i64 %v87
  %v89 = select i1 %v85, ptr %v88, ptr %spare39
  %v90 = load double, ptr %v89, align 8
  %v91 = mul nsw i64 %L56, 41
  %v92 = add nsw i64 %v91, 122
  %v93 = getelementptr inbounds double, ptr %b0, i64 %v92
  %v94 = select i1 %v85, ptr %v93, ptr %spare39
  %v95 = load double, ptr %v94, align 8
  %v96 = mul nsw i64 %L56, 41
  %v97 = add nsw i64 %v96, 40
  %v98 = getelementptr inbounds double, ptr %b0, i64 %v97
  %v99 = select i1 %v85, ptr %v98, ptr %spare39
  %v100 = load double, ptr %v99, align 8
  %v101 = fadd double %v95, %v100
  %v102 = fmul double 0x4000000000000000, %v90
  %v103 = fsub double %v101, %v102
  %v104 = fmul double 0x3FB999999999999A, %v103
  %v105 = fadd double %v90, %v104
  %v106 = load double, ptr %v88, align 8
  %v107 = select i1 %v85, double %v105, double %v106
  %v108 = getelementptr inbounds double, ptr %b1, i64 %v87
  store double %v107, ptr %v108, align 8
  br label %L56.latch
  L56.latch:
  %L56.next = add nuw nsw i64 %L56, 1
  %L56.more = icmp ult i64 %L56.next, 58
  br i1 %L56.more, label %L56.head, label %L56.exit
  L56.exit:
  %v110 = icmp ult i64 58, 58
  %v116 = insertelement <2 x i1> poison, i1 %v110, i64 0
  %v117 = shufflevector <2 x i1> %v116, <2 x i1> poison, <2 x i32> zeroinitializer
  br label %L109.pre
  L109.pre:
  br label %L109.head
  L109.head:
  %L109 = phi i64 [ 0, %L109.pre ], [ %L109.next, %L109.latch ]
  %v111 = insertelement <2 x i64> poison, i64 %L109, i64 0
  %v112 = shufflevector <2 x i64> %v111, <2 x i64> poison, <2 x i32> zeroinitializer
  %v113 = add nsw <2 x i64> %v112, <i64 0, i64 1>
  %v114 = add nsw <2 x i64> %v113, %v7
  %v115 = icmp ult <2 x i64> %v114, %v10
  %v118 = and <2 x i1> %v117, %v115
  %v119 = add nsw i64 %L109, 2419
  %v120 = getelementptr inbounds double, ptr %b0, i64 %v119
  %v121 = call <2 x double> @llvm.masked.load.v2f64.p0(ptr %v120, i32 8, <2 x i1> %v118, <2 x double> zeroinitializer)
  %v122 = add nsw i64 %L109, 2460
  %v123 = getelementptr inbounds double, ptr %b0, i64 %v122
  %v124 = call <2 x double> @llvm.masked.load.v2f64.p0(ptr %v123, i32 8, <2 x i1> %v118, <2 x double> zeroinitializer)
  %v125 = add nsw i64 %L109, 2378
  %v126 = getelementptr inbounds double, ptr %b0, i64 %v125
  %v127 = call <2 x double> @llvm.masked.load.v2f64.p0(ptr %v126, i32 8, <2 x i1> %v118, <2 x double> zeroinitializer)
  %v128 = fadd <2 x double> %v124, %v127
  %v129 = fmul <2 x double> %v25, %v121
  %v130 = fsub <2 x double> %v128, %v129
  %v131 = fmul <2 x double> %v29, %v130
  %v132 = fadd <2 x double> %v121, %v131
  %v133 = load <2 x double>, ptr %v120, align 8
  %v134 = select <2 x i1> %v118, <2 x double> %v132, <2 x double> %v133
  %v135 = getelementptr inbounds double, ptr %b1, i64 %v119
  store <2 x double> %v134, ptr %v135, align 8
  br label %L109.latch
  L109.latch:
  %L109.next = add nuw nsw i64 %L109, 2
  %L109.more = icmp ult i64 %L109.next, 40
  br i1 %L109.more, label %L109.head, label %L109.exit
  L109.exit:
  %v136 = icmp ult i64 58, 58
  %v137 = icmp ult i64 39, 39
  %v138 = and i1 %v136, %v137
  %v139 = getelementptr inbounds double, ptr %b0, i64 2459
  %v140 = select i1 %v138, ptr %v139, ptr %spare39
  %v141 = load double, ptr %v140, align 8
  %v142 = getelementptr inbounds double, ptr %b0, i64 2500
  %v143 = select i1 %v138, ptr %v142, ptr %spare39
  %v144 = load double, ptr %v143, align 8
  %v145 = getelementptr inbounds double, ptr %b0, i64 2418
  %v146 = select i1 %v138, ptr %v145, ptr %spare39
  %v147 = load double, ptr %v146, align 8
  %v148 = fadd double %v144, %v147
  %v149 = fmul double 0x4000000000000000, %v141
  %v150 = fsub double %v148, %v149
  %v151 = fmul double 0x3FB999999999999A, %v150
  %v152 = fadd double %v141, %v151
  %v153 = load double, ptr %v139, align 8
  %v154 = select i1 %v138, double %v152, double %v153
  %v155 = getelementptr inbounds double, ptr %b1, i64 2459
  store double %v154, ptr %v155, align 8
  ret void
}
