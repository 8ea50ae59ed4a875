define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1) #0 {
  %acc2 = alloca <32 x float>, align 64
  %acc14 = alloca <16 x float>, align 64
  %acc17 = alloca <16 x float>, align 64
  %acc38 = alloca <4 x float>, align 64
  %acc41 = alloca <4 x float>, align 64
  %acc42 = alloca <4 x float>, align 64
  %acc43 = alloca <4 x float>, align 64
  %acc82 = alloca <2 x float>, align 64
  %acc85 = alloca <2 x float>, align 64
  %acc86 = alloca <2 x float>, align 64
  %acc87 = alloca <2 x float>, align 64
  %v3 = insertelement <32 x float> poison, float 0x0000000000000000, i64 0
  %v4 = shufflevector <32 x float> %v3, <32 x float> poison, <32 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  store <32 x float> %v4, ptr %acc2, align 64
  br label %L5.pre
  L5.pre:
  br label %L5.head
  L5.head:
  %L5 = phi i64 [ 0, %L5.pre ], [ %L5.next, %L5.latch ]
  %v6 = load <32 x float>, ptr %acc2, align 64
  %v7 = mul nsw i64 %L5, 310
  %v8 = add nsw i64 %L1, %v7
  %v9 = getelementptr inbounds float, ptr %b0, i64 %v8
  %v10 = load <32 x float>, ptr %v9, align 4
  %v11 = fadd <32 x float> %v6, %v10
  store <32 x float> %v11, ptr %acc2, align 64
  br label %L5.latch
  L5.latch:
  %L5.next = add nuw nsw i64 %L5, 1
  %L5.more = icmp ult i64 %L5.next, 900
  br i1 %L5.more, label %L5.head, label %L5.exit
  L5.exit:
  %v12 = load <32 x float>, ptr %acc2, align 64
  %v13 = getelementptr inbounds float, ptr %b1, i64 %L1
  store <32 x float> %v12, ptr %v13, align 4
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 32
  %L1.more = icmp ult i64 %L1.next, 288
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  %v15 = insertelement <16 x float> poison, float 0x0000000000000000, i64 0
  %v16 = shufflevector <16 x float> %v15, <16 x float> poison, <16 x i32> zeroinitializer
  store <16 x float> %v16, ptr %acc14, align 64
  store <16 x float> %v16, ptr %acc17, align 64
  br label %L18.pre
  L18.pre:
  br label %L18.head
  L18.head:
  %L18 = phi i64 [ 0, %L18.pre ], [ %L18.next, %L18.latch ]
  %v19 = load <16 x float>, ptr %acc14, align 64
  %v20 = mul nsw i64 %L18, 310
  %v21 = add nsw i64 0, %v20
  %v22 = add nsw i64 %v21, 288
  %v23 = getelementptr inbounds float, ptr %b0, i64 %v22
  %v24 = load <16 x float>, ptr %v23, align 4
  %v25 = fadd <16 x float> %v19, %v24
  store <16 x float> %v25, ptr %acc14, align 64
  %v26 = load <16 x float>, ptr %acc17, align 64
  %v27 = mul nsw i64 %L18, 310
  %v28 = add nsw i64 0, %v27
  %v29 = add nsw i64 %v28, 598
  %v30 = getelementptr inbounds float, ptr %b0, i64 %v29
  %v31 = load <16 x float>, ptr %v30, align 4
  %v32 = fadd <16 x float> %v26, %v31
  store <16 x float> %v32, ptr %acc17, align 64
  br label %L18.latch
  L18.latch:
  %L18.next = add nuw nsw i64 %L18, 2
  %L18.more = icmp ult i64 %L18.next, 900
  br i1 %L18.more, label %L18.head, label %L18.exit
  L18.exit:
  %v33 = load <16 x float>, ptr %acc14, align 64
  %v34 = load <16 x float>, ptr %acc17, align 64
  %v35 = fadd <16 x float> %v33, %v34
  %v36 = add nsw i64 0, 288
  %v37 = getelementptr inbounds float, ptr %b1, i64 %v36
  store <16 x float> %v35, ptr %v37, align 4
  %v39 = insertelement <4 x float> poison, float 0x0000000000000000, i64 0
  %v40 = shufflevector <4 x float> %v39, <4 x float> poison, <4 x i32> zeroinitializer
  store <4 x float> %v40, ptr %acc38, align 64
  store <4 x float> %v40, ptr %acc41, align 64
  store <4 x float> %v40, ptr %acc42, align 64
  store <4 x float> %v40, ptr %acc43, align 64
  br label %L44.pre
  L44.pre:
  br label %L44.head
  L44.head:
  %L44 = phi i64 [ 0, %L44.pre ], [ %L44.next, %L44.latch ]
  %v45 = load <4 x float>, ptr %acc38, align 64
  %v46 = mul nsw i64 %L44, 310
  %v47 = add nsw i64 0, %v46
  %v48 = add nsw i64 %v47, 304
  %v49 = getelementptr inbounds float, ptr %b0, i64 %v48
  %v50 = load <4 x float>, ptr %v49, align 4
  %v51 = fadd <4 x float> %v45, %v50
  store <4 x float> %v51, ptr %acc38, align 64
  %v52 = load <4 x float>, ptr %acc41, align 64
  %v53 = mul nsw i64 %L44, 310
  %v54 = add nsw i64 0, %v53
  %v55 = add nsw i64 %v54, 614
  %v56 = getelementptr inbounds float, ptr %b0, i64 %v55
  %v57 = load <4 x float>, ptr %v56, align 4
  %v58 = fadd <4 x float> %v52, %v57
  store <4 x float> %v58, ptr %acc41, align 64
  %v59 = load <4 x float>, ptr %acc42, align 64
  %v60 = mul nsw i64 %L44, 310
  %v61 = add nsw i64 0, %v60
  %v62 = add nsw i64 %v61, 924
  %v63 = getelementptr inbounds float, ptr %b0, i64 %v62
  %v64 = load <4 x float>, ptr %v63, align 4
  %v65 = fadd <4 x float> %v59, %v64
  store <4 x float> %v65, ptr %acc42, align 64
  %v66 = load <4 x float>, ptr %acc43, align 64
  %v67 = mul nsw i64 %L44, 310
  %v68 = add nsw i64 0, %v67
  %v69 = add nsw i64 %v68, 1234
  %v70 = getelementptr inbounds float, ptr %b0, i64 %v69
  %v71 = load <4 x float>, ptr %v70, align 4
  %v72 = fadd <4 x float> %v66, %v71
  store <4 x float> %v72, ptr %acc43, align 64
  br label %L44.latch
  L44.latch:
  %L44.next = add nuw nsw i64 %L44, 4
  %L44.more = icmp ult i64 %L44.next, 900
  br i1 %L44.more, label %L44.head, label %L44.exit
  L44.exit:
  %v73 = load <4 x float>, ptr %acc38, align 64
  %v74 = load <4 x float>, ptr %acc41, align 64
  %v75 = fadd <4 x float> %v73, %v74
  %v76 = load <4 x float>, ptr %acc42, align 64
  %v77 = fadd <4 x float> %v75, %v76
  %v78 = load <4 x float>, ptr %acc43, align 64
  %v79 = fadd <4 x float> %v77, %v78
  %v80 = add nsw i64 0, 304
  %v81 = getelementptr inbounds float, ptr %b1, i64 %v80
  store <4 x float> %v79, ptr %v81, align 4
  %v83 = insertelement <2 x float> poison, float 0x0000000000000000, i64 0
  %v84 = shufflevector <2 x float> %v83, <2 x float> poison, <2 x i32> zeroinitializer
  store <2 x float> %v84, ptr %acc82, align 64
  store <2 x float> %v84, ptr %acc85, align 64
  store <2 x float> %v84, ptr %acc86, align 64
  store <2 x float> %v84, ptr %acc87, align 64
  br label %L88.pre
  L88.pre:
  br label %L88.head
  L88.head:
  %L88 = phi i64 [ 0, %L88.pre ], [ %L88.next, %L88.latch ]
  %v89 = load <2 x float>, ptr %acc82, align 64
  %v90 = mul nsw i64 %L88, 310
  %v91 = add nsw i64 0, %v90
  %v92 = add nsw i64 %v91, 308
  %v93 = getelementptr inbounds float, ptr %b0, i64 %v92
  %v94 = load <2 x float>, ptr %v93, align 4
  %v95 = fadd <2 x float> %v89, %v94
  store <2 x float> %v95, ptr %acc82, align 64
  %v96 = load <2 x float>, ptr %acc85, align 64
  %v97 = mul nsw i64 %L88, 310
  %v98 = add nsw i64 0, %v97
  %v99 = add nsw i64 %v98, 618
  %v100 = getelementptr inbounds float, ptr %b0, i64 %v99
  %v101 = load <2 x float>, ptr %v100, align 4
  %v102 = fadd <2 x float> %v96, %v101
  store <2 x float> %v102, ptr %acc85, align 64
  %v103 = load <2 x float>, ptr %acc86, align 64
  %v104 = mul nsw i64 %L88, 310
  %v105 = add nsw i64 0, %v104
  %v106 = add nsw i64 %v105, 928
  %v107 = getelementptr inbounds float, ptr %b0, i64 %v106
  %v108 = load <2 x float>, ptr %v107, align 4
  %v109 = fadd <2 x float> %v103, %v108
  store <2 x float> %v109, ptr %acc86, align 64
  %v110 = load <2 x float>, ptr %acc87, align 64
  %v111 = mul nsw i64 %L88, 310
  %v112 = add nsw i64 0, %v111
  %v113 = add nsw i64 %v112, 1238
  %v114 = getelementptr inbounds float, ptr %b0, i64 %v113
  %v115 = load <2 x float>, ptr %v114, align 4
  %v116 = fadd <2 x float> %v110, %v115
  store <2 x float> %v116, ptr %acc87, align 64
  br label %L88.latch
  L88.latch:
  %L88.next = add nuw nsw i64 %L88, 4
  %L88.more = icmp ult i64 %L88.next, 900
  br i1 %L88.more, label %L88.head, label %L88.exit
  L88.exit:
  %v117 = load <2 x float>, ptr %acc82, align 64
  %v118 = load <2 x float>, ptr %acc85, align 64
  %v119 = fadd <2 x float> %v117, %v118
  %v120 = load <2 x float>, ptr %acc86, align 64
  %v121 = fadd <2 x float> %v119, %v120
  %v122 = load <2 x float>, ptr %acc87, align 64
  %v123 = fadd <2 x float> %v121, %v122
  %v124 = add nsw i64 0, 308
  %v125 = getelementptr inbounds float, ptr %b1, i64 %v124
  store <2 x float> %v123, ptr %v125, align 4
  ret void
}
