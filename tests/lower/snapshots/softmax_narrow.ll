define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1) #0 {
  %acc2 = alloca <4 x float>, align 64
  %acc5 = alloca <4 x float>, align 64
  %acc6 = alloca <4 x float>, align 64
  %acc7 = alloca <4 x float>, align 64
  %acc97 = alloca <4 x float>, align 64
  %acc100 = alloca <4 x float>, align 64
  %acc101 = alloca <4 x float>, align 64
  %acc102 = alloca <4 x float>, align 64
  %v3 = insertelement <4 x float> poison, float 0xFFF0000000000000, i64 0
  %v4 = shufflevector <4 x float> %v3, <4 x float> poison, <4 x i32> zeroinitializer
  %v98 = insertelement <4 x float> poison, float 0x0000000000000000, i64 0
  %v99 = shufflevector <4 x float> %v98, <4 x float> poison, <4 x i32> zeroinitializer
  %v113 = insertelement <4 x float> poison, float 0x3FF0000000000000, i64 0
  %v114 = shufflevector <4 x float> %v113, <4 x float> poison, <4 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  store <4 x float> %v4, ptr %acc2, align 64
  store <4 x float> %v4, ptr %acc5, align 64
  store <4 x float> %v4, ptr %acc6, align 64
  store <4 x float> %v4, ptr %acc7, align 64
  %v10 = mul nsw i64 %L1, 45
  %v19 = mul nsw i64 %L1, 45
  %v29 = mul nsw i64 %L1, 45
  %v39 = mul nsw i64 %L1, 45
  br label %L8.pre
  L8.pre:
  br label %L8.head
  L8.head:
  %L8 = phi i64 [ 0, %L8.pre ], [ %L8.next, %L8.latch ]
  %v9 = load <4 x float>, ptr %acc2, align 64
  %v11 = add nsw i64 %v10, %L8
  %v12 = getelementptr inbounds float, ptr %b0, i64 %v11
  %v13 = load <4 x float>, ptr %v12, align 4
  %v14 = fcmp oge <4 x float> %v9, %v13
  %v15 = fcmp uno <4 x float> %v9, %v9
  %v16 = or <4 x i1> %v14, %v15
  %v17 = select <4 x i1> %v16, <4 x float> %v9, <4 x float> %v13
  store <4 x float> %v17, ptr %acc2, align 64
  %v18 = load <4 x float>, ptr %acc5, align 64
  %v20 = add nsw i64 %v19, %L8
  %v21 = add nsw i64 %v20, 4
  %v22 = getelementptr inbounds float, ptr %b0, i64 %v21
  %v23 = load <4 x float>, ptr %v22, align 4
  %v24 = fcmp oge <4 x float> %v18, %v23
  %v25 = fcmp uno <4 x float> %v18, %v18
  %v26 = or <4 x i1> %v24, %v25
  %v27 = select <4 x i1> %v26, <4 x float> %v18, <4 x float> %v23
  store <4 x float> %v27, ptr %acc5, align 64
  %v28 = load <4 x float>, ptr %acc6, align 64
  %v30 = add nsw i64 %v29, %L8
  %v31 = add nsw i64 %v30, 8
  %v32 = getelementptr inbounds float, ptr %b0, i64 %v31
  %v33 = load <4 x float>, ptr %v32, align 4
  %v34 = fcmp oge <4 x float> %v28, %v33
  %v35 = fcmp uno <4 x float> %v28, %v28
  %v36 = or <4 x i1> %v34, %v35
  %v37 = select <4 x i1> %v36, <4 x float> %v28, <4 x float> %v33
  store <4 x float> %v37, ptr %acc6, align 64
  %v38 = load <4 x float>, ptr %acc7, align 64
  %v40 = add nsw i64 %v39, %L8
  %v41 = add nsw i64 %v40, 12
  %v42 = getelementptr inbounds float, ptr %b0, i64 %v41
  %v43 = load <4 x float>, ptr %v42, align 4
  %v44 = fcmp oge <4 x float> %v38, %v43
  %v45 = fcmp uno <4 x float> %v38, %v38
  %v46 = or <4 x i1> %v44, %v45
  %v47 = select <4 x i1> %v46, <4 x float> %v38, <4 x float> %v43
  store <4 x float> %v47, ptr %acc7, align 64
  br label %L8.latch
  L8.latch:
  %L8.next = add nuw nsw i64 %L8, 16
  %L8.more = icmp ult i64 %L8.next, 32
  br i1 %L8.more, label %L8.head, label %L8.exit
  L8.exit:
  %v50 = mul nsw i64 %L1, 45
  br label %L48.pre
  L48.pre:
  br label %L48.head
  L48.head:
  %L48 = phi i64 [ 0, %L48.pre ], [ %L48.next, %L48.latch ]
  %v49 = load <4 x float>, ptr %acc2, align 64
  %v51 = add nsw i64 %v50, %L48
  %v52 = add nsw i64 %v51, 32
  %v53 = getelementptr inbounds float, ptr %b0, i64 %v52
  %v54 = load <4 x float>, ptr %v53, align 4
  %v55 = fcmp oge <4 x float> %v49, %v54
  %v56 = fcmp uno <4 x float> %v49, %v49
  %v57 = or <4 x i1> %v55, %v56
  %v58 = select <4 x i1> %v57, <4 x float> %v49, <4 x float> %v54
  store <4 x float> %v58, ptr %acc2, align 64
  br label %L48.latch
  L48.latch:
  %L48.next = add nuw nsw i64 %L48, 4
  %L48.more = icmp ult i64 %L48.next, 12
  br i1 %L48.more, label %L48.head, label %L48.exit
  L48.exit:
  %v59 = load <4 x float>, ptr %acc2, align 64
  %v60 = mul nsw i64 %L1, 45
  %v61 = add nsw i64 %v60, 44
  %v62 = getelementptr inbounds float, ptr %b0, i64 %v61
  %v63 = load float, ptr %v62, align 4
  %v64 = insertelement <4 x float> %v4, float %v63, i64 0
  %v65 = fcmp oge <4 x float> %v59, %v64
  %v66 = fcmp uno <4 x float> %v59, %v59
  %v67 = or <4 x i1> %v65, %v66
  %v68 = select <4 x i1> %v67, <4 x float> %v59, <4 x float> %v64
  store <4 x float> %v68, ptr %acc2, align 64
  %v69 = load <4 x float>, ptr %acc2, align 64
  %v70 = load <4 x float>, ptr %acc5, align 64
  %v71 = fcmp oge <4 x float> %v69, %v70
  %v72 = fcmp uno <4 x float> %v69, %v69
  %v73 = or <4 x i1> %v71, %v72
  %v74 = select <4 x i1> %v73, <4 x float> %v69, <4 x float> %v70
  %v75 = load <4 x float>, ptr %acc6, align 64
  %v76 = fcmp oge <4 x float> %v74, %v75
  %v77 = fcmp uno <4 x float> %v74, %v74
  %v78 = or <4 x i1> %v76, %v77
  %v79 = select <4 x i1> %v78, <4 x float> %v74, <4 x float> %v75
  %v80 = load <4 x float>, ptr %acc7, align 64
  %v81 = fcmp oge <4 x float> %v79, %v80
  %v82 = fcmp uno <4 x float> %v79, %v79
  %v83 = or <4 x i1> %v81, %v82
  %v84 = select <4 x i1> %v83, <4 x float> %v79, <4 x float> %v80
  %v85 = shufflevector <4 x float> %v84, <4 x float> poison, <2 x i32> <i32 0, i32 1>
  %v86 = shufflevector <4 x float> %v84, <4 x float> poison, <2 x i32> <i32 2, i32 3>
  %v87 = fcmp oge <2 x float> %v85, %v86
  %v88 = fcmp uno <2 x float> %v85, %v85
  %v89 = or <2 x i1> %v87, %v88
  %v90 = select <2 x i1> %v89, <2 x float> %v85, <2 x float> %v86
  %v91 = extractelement <2 x float> %v90, i64 0
  %v92 = extractelement <2 x float> %v90, i64 1
  %v93 = fcmp oge float %v91, %v92
  %v94 = fcmp uno float %v91, %v91
  %v95 = or i1 %v93, %v94
  %v96 = select i1 %v95, float %v91, float %v92
  store <4 x float> %v99, ptr %acc97, align 64
  store <4 x float> %v99, ptr %acc100, align 64
  store <4 x float> %v99, ptr %acc101, align 64
  store <4 x float> %v99, ptr %acc102, align 64
  %v105 = mul nsw i64 %L1, 45
  %v109 = insertelement <4 x float> poison, float %v96, i64 0
  %v110 = shufflevector <4 x float> %v109, <4 x float> poison, <4 x i32> zeroinitializer
  %v118 = mul nsw i64 %L1, 45
  %v128 = mul nsw i64 %L1, 45
  %v138 = mul nsw i64 %L1, 45
  br label %L103.pre
  L103.pre:
  br label %L103.head
  L103.head:
  %L103 = phi i64 [ 0, %L103.pre ], [ %L103.next, %L103.latch ]
  %v104 = load <4 x float>, ptr %acc97, align 64
  %v106 = add nsw i64 %v105, %L103
  %v107 = getelementptr inbounds float, ptr %b0, i64 %v106
  %v108 = load <4 x float>, ptr %v107, align 4
  %v111 = fsub <4 x float> %v108, %v110
  %v112 = fmul <4 x float> %v111, %v111
  %v115 = fadd <4 x float> %v112, %v114
  %v116 = fadd <4 x float> %v104, %v115
  store <4 x float> %v116, ptr %acc97, align 64
  %v117 = load <4 x float>, ptr %acc100, align 64
  %v119 = add nsw i64 %v118, %L103
  %v120 = add nsw i64 %v119, 4
  %v121 = getelementptr inbounds float, ptr %b0, i64 %v120
  %v122 = load <4 x float>, ptr %v121, align 4
  %v123 = fsub <4 x float> %v122, %v110
  %v124 = fmul <4 x float> %v123, %v123
  %v125 = fadd <4 x float> %v124, %v114
  %v126 = fadd <4 x float> %v117, %v125
  store <4 x float> %v126, ptr %acc100, align 64
  %v127 = load <4 x float>, ptr %acc101, align 64
  %v129 = add nsw i64 %v128, %L103
  %v130 = add nsw i64 %v129, 8
  %v131 = getelementptr inbounds float, ptr %b0, i64 %v130
  %v132 = load <4 x float>, ptr %v131, align 4
  %v133 = fsub <4 x float> %v132, %v110
  %v134 = fmul <4 x float> %v133, %v133
  %v135 = fadd <4 x float> %v134, %v114
  %v136 = fadd <4 x float> %v127, %v135
  store <4 x float> %v136, ptr %acc101, align 64
  %v137 = load <4 x float>, ptr %acc102, align 64
  %v139 = add nsw i64 %v138, %L103
  %v140 = add nsw i64 %v139, 12
  %v141 = getelementptr inbounds float, ptr %b0, i64 %v140
  %v142 = load <4 x float>, ptr %v141, align 4
  %v143 = fsub <4 x float> %v142, %v110
  %v144 = fmul <4 x float> %v143, %v143
  %v145 = fadd <4 x float> %v144, %v114
  %v146 = fadd <4 x float> %v137, %v145
  store <4 x float> %v146, ptr %acc102, align 64
  br label %L103.latch
  L103.latch:
  %L103.next = add nuw nsw i64 %L103, 16
  %L103.more = icmp ult i64 %L103.next, 32
  br i1 %L103.more, label %L103.head, label %L103.exit
  L103.exit:
  %v149 = mul nsw i64 %L1, 45
  br label %L147.pre
  L147.pre:
  br label %L147.head
  L147.head:
  %L147 = phi i64 [ 0, %L147.pre ], [ %L147.next, %L147.latch ]
  %v148 = load <4 x float>, ptr %acc97, align 64
  %v150 = add nsw i64 %v149, %L147
  %v151 = add nsw i64 %v150, 32
  %v152 = getelementptr inbounds float, ptr %b0, i64 %v151
  %v153 = load <4 x float>, ptr %v152, align 4
  %v154 = fsub <4 x float> %v153, %v110
  %v155 = fmul <4 x float> %v154, %v154
  %v156 = fadd <4 x float> %v155, %v114
  %v157 = fadd <4 x float> %v148, %v156
  store <4 x float> %v157, ptr %acc97, align 64
  br label %L147.latch
  L147.latch:
  %L147.next = add nuw nsw i64 %L147, 4
  %L147.more = icmp ult i64 %L147.next, 12
  br i1 %L147.more, label %L147.head, label %L147.exit
  L147.exit:
  %v158 = load <4 x float>, ptr %acc97, align 64
  %v159 = fsub float %v63, %v96
  %v160 = fmul float %v159, %v159
  %v161 = fadd float %v160, 0x3FF0000000000000
  %v162 = insertelement <4 x float> %v99, float %v161, i64 0
  %v163 = fadd <4 x float> %v158, %v162
  store <4 x float> %v163, ptr %acc97, align 64
  %v164 = load <4 x float>, ptr %acc97, align 64
  %v165 = load <4 x float>, ptr %acc100, align 64
  %v166 = fadd <4 x float> %v164, %v165
  %v167 = load <4 x float>, ptr %acc101, align 64
  %v168 = fadd <4 x float> %v166, %v167
  %v169 = load <4 x float>, ptr %acc102, align 64
  %v170 = fadd <4 x float> %v168, %v169
  %v171 = shufflevector <4 x float> %v170, <4 x float> poison, <2 x i32> <i32 0, i32 1>
  %v172 = shufflevector <4 x float> %v170, <4 x float> poison, <2 x i32> <i32 2, i32 3>
  %v173 = fadd <2 x float> %v171, %v172
  %v174 = extractelement <2 x float> %v173, i64 0
  %v175 = extractelement <2 x float> %v173, i64 1
  %v176 = fadd float %v174, %v175
  %v178 = mul nsw i64 %L1, 45
  %v185 = insertelement <4 x float> poison, float %v176, i64 0
  %v186 = shufflevector <4 x float> %v185, <4 x float> poison, <4 x i32> zeroinitializer
  br label %L177.pre
  L177.pre:
  br label %L177.head
  L177.head:
  %L177 = phi i64 [ 0, %L177.pre ], [ %L177.next, %L177.latch ]
  %v179 = add nsw i64 %v178, %L177
  %v180 = getelementptr inbounds float, ptr %b0, i64 %v179
  %v181 = load <4 x float>, ptr %v180, align 4
  %v182 = fsub <4 x float> %v181, %v110
  %v183 = fmul <4 x float> %v182, %v182
  %v184 = fadd <4 x float> %v183, %v114
  %v187 = fdiv <4 x float> %v184, %v186
  %v188 = getelementptr inbounds float, ptr %b1, i64 %v179
  store <4 x float> %v187, ptr %v188, align 4
  br label %L177.latch
  L177.latch:
  %L177.next = add nuw nsw i64 %L177, 4
  %L177.more = icmp ult i64 %L177.next, 44
  br i1 %L177.more, label %L177.head, label %L177.exit
  L177.exit:
  %v189 = fdiv float %v161, %v176
  %v190 = getelementptr inbounds float, ptr %b1, i64 %v61
  store float %v189, ptr %v190, align 4
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 1
  %L1.more = icmp ult i64 %L1.next, 70
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  ret void
}
