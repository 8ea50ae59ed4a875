define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1) #0 {
  %acc2 = alloca <16 x float>, align 64
  %acc51 = alloca <16 x float>, align 64
  %v3 = insertelement <16 x float> poison, float 0xFFF0000000000000, i64 0
  %v4 = shufflevector <16 x float> %v3, <16 x float> poison, <16 x i32> zeroinitializer
  %v52 = insertelement <16 x float> poison, float 0x0000000000000000, i64 0
  %v53 = shufflevector <16 x float> %v52, <16 x float> poison, <16 x i32> zeroinitializer
  %v64 = insertelement <16 x float> poison, float 0x3FF0000000000000, i64 0
  %v65 = shufflevector <16 x float> %v64, <16 x float> poison, <16 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  store <16 x float> %v4, ptr %acc2, align 64
  %v7 = mul nsw i64 %L1, 45
  br label %L5.pre
  L5.pre:
  br label %L5.head
  L5.head:
  %L5 = phi i64 [ 0, %L5.pre ], [ %L5.next, %L5.latch ]
  %v6 = load <16 x float>, ptr %acc2, align 64
  %v8 = add nsw i64 %v7, %L5
  %v9 = getelementptr inbounds float, ptr %b0, i64 %v8
  %v10 = load <16 x float>, ptr %v9, align 4
  %v11 = fcmp oge <16 x float> %v6, %v10
  %v12 = fcmp uno <16 x float> %v6, %v6
  %v13 = or <16 x i1> %v11, %v12
  %v14 = select <16 x i1> %v13, <16 x float> %v6, <16 x float> %v10
  store <16 x float> %v14, ptr %acc2, align 64
  br label %L5.latch
  L5.latch:
  %L5.next = add nuw nsw i64 %L5, 16
  %L5.more = icmp ult i64 %L5.next, 32
  br i1 %L5.more, label %L5.head, label %L5.exit
  L5.exit:
  %v15 = load <16 x float>, ptr %acc2, align 64
  %v16 = mul nsw i64 %L1, 45
  %v17 = add nsw i64 %v16, 0
  %v18 = add nsw i64 %v17, 32
  %v19 = getelementptr inbounds float, ptr %b0, i64 %v18
  %v20 = call <16 x float> @llvm.masked.load.v16f32.p0(ptr %v19, i32 4, <16 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false>, <16 x float> zeroinitializer)
  %v21 = select <16 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false>, <16 x float> %v20, <16 x float> %v4
  %v22 = fcmp oge <16 x float> %v15, %v21
  %v23 = fcmp uno <16 x float> %v15, %v15
  %v24 = or <16 x i1> %v22, %v23
  %v25 = select <16 x i1> %v24, <16 x float> %v15, <16 x float> %v21
  store <16 x float> %v25, ptr %acc2, align 64
  %v26 = load <16 x float>, ptr %acc2, align 64
  %v27 = shufflevector <16 x float> %v26, <16 x float> poison, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v28 = shufflevector <16 x float> %v26, <16 x float> poison, <8 x i32> <i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %v29 = fcmp oge <8 x float> %v27, %v28
  %v30 = fcmp uno <8 x float> %v27, %v27
  %v31 = or <8 x i1> %v29, %v30
  %v32 = select <8 x i1> %v31, <8 x float> %v27, <8 x float> %v28
  %v33 = shufflevector <8 x float> %v32, <8 x float> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v34 = shufflevector <8 x float> %v32, <8 x float> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v35 = fcmp oge <4 x float> %v33, %v34
  %v36 = fcmp uno <4 x float> %v33, %v33
  %v37 = or <4 x i1> %v35, %v36
  %v38 = select <4 x i1> %v37, <4 x float> %v33, <4 x float> %v34
  %v39 = shufflevector <4 x float> %v38, <4 x float> poison, <2 x i32> <i32 0, i32 1>
  %v40 = shufflevector <4 x float> %v38, <4 x float> poison, <2 x i32> <i32 2, i32 3>
  %v41 = fcmp oge <2 x float> %v39, %v40
  %v42 = fcmp uno <2 x float> %v39, %v39
  %v43 = or <2 x i1> %v41, %v42
  %v44 = select <2 x i1> %v43, <2 x float> %v39, <2 x float> %v40
  %v45 = extractelement <2 x float> %v44, i64 0
  %v46 = extractelement <2 x float> %v44, i64 1
  %v47 = fcmp oge float %v45, %v46
  %v48 = fcmp uno float %v45, %v45
  %v49 = or i1 %v47, %v48
  %v50 = select i1 %v49, float %v45, float %v46
  store <16 x float> %v53, ptr %acc51, align 64
  %v56 = mul nsw i64 %L1, 45
  %v60 = insertelement <16 x float> poison, float %v50, i64 0
  %v61 = shufflevector <16 x float> %v60, <16 x float> poison, <16 x i32> zeroinitializer
  br label %L54.pre
  L54.pre:
  br label %L54.head
  L54.head:
  %L54 = phi i64 [ 0, %L54.pre ], [ %L54.next, %L54.latch ]
  %v55 = load <16 x float>, ptr %acc51, align 64
  %v57 = add nsw i64 %v56, %L54
  %v58 = getelementptr inbounds float, ptr %b0, i64 %v57
  %v59 = load <16 x float>, ptr %v58, align 4
  %v62 = fsub <16 x float> %v59, %v61
  %v63 = fmul <16 x float> %v62, %v62
  %v66 = fadd <16 x float> %v63, %v65
  %v67 = fadd <16 x float> %v55, %v66
  store <16 x float> %v67, ptr %acc51, align 64
  br label %L54.latch
  L54.latch:
  %L54.next = add nuw nsw i64 %L54, 16
  %L54.more = icmp ult i64 %L54.next, 32
  br i1 %L54.more, label %L54.head, label %L54.exit
  L54.exit:
  %v68 = load <16 x float>, ptr %acc51, align 64
  %v69 = fsub <16 x float> %v20, %v61
  %v70 = fmul <16 x float> %v69, %v69
  %v71 = fadd <16 x float> %v70, %v65
  %v72 = select <16 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false>, <16 x float> %v71, <16 x float> %v53
  %v73 = fadd <16 x float> %v68, %v72
  store <16 x float> %v73, ptr %acc51, align 64
  %v74 = load <16 x float>, ptr %acc51, align 64
  %v75 = shufflevector <16 x float> %v74, <16 x float> poison, <8 x i32> <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v76 = shufflevector <16 x float> %v74, <16 x float> poison, <8 x i32> <i32 8, i32 9, i32 10, i32 11, i32 12, i32 13, i32 14, i32 15>
  %v77 = fadd <8 x float> %v75, %v76
  %v78 = shufflevector <8 x float> %v77, <8 x float> poison, <4 x i32> <i32 0, i32 1, i32 2, i32 3>
  %v79 = shufflevector <8 x float> %v77, <8 x float> poison, <4 x i32> <i32 4, i32 5, i32 6, i32 7>
  %v80 = fadd <4 x float> %v78, %v79
  %v81 = shufflevector <4 x float> %v80, <4 x float> poison, <2 x i32> <i32 0, i32 1>
  %v82 = shufflevector <4 x float> %v80, <4 x float> poison, <2 x i32> <i32 2, i32 3>
  %v83 = fadd <2 x float> %v81, %v82
  %v84 = extractelement <2 x float> %v83, i64 0
  %v85 = extractelement <2 x float> %v83, i64 1
  %v86 = fadd float %v84, %v85
  %v88 = mul nsw i64 %L1, 45
  %v95 = insertelement <16 x float> poison, float %v86, i64 0
  %v96 = shufflevector <16 x float> %v95, <16 x float> poison, <16 x i32> zeroinitializer
  br label %L87.pre
  L87.pre:
  br label %L87.head
  L87.head:
  %L87 = phi i64 [ 0, %L87.pre ], [ %L87.next, %L87.latch ]
  %v89 = add nsw i64 %v88, %L87
  %v90 = getelementptr inbounds float, ptr %b0, i64 %v89
  %v91 = load <16 x float>, ptr %v90, align 4
  %v92 = fsub <16 x float> %v91, %v61
  %v93 = fmul <16 x float> %v92, %v92
  %v94 = fadd <16 x float> %v93, %v65
  %v97 = fdiv <16 x float> %v94, %v96
  %v98 = getelementptr inbounds float, ptr %b1, i64 %v89
  store <16 x float> %v97, ptr %v98, align 4
  br label %L87.latch
  L87.latch:
  %L87.next = add nuw nsw i64 %L87, 16
  %L87.more = icmp ult i64 %L87.next, 32
  br i1 %L87.more, label %L87.head, label %L87.exit
  L87.exit:
  %v99 = fdiv <16 x float> %v71, %v96
  %v100 = getelementptr inbounds float, ptr %b1, i64 %v18
  call void @llvm.masked.store.v16f32.p0(<16 x float> %v99, ptr %v100, i32 4, <16 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false>)
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 1
  %L1.more = icmp ult i64 %L1.next, 70
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  ret void
}
