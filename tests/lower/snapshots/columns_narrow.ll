define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1) #0 {
  %acc2 = alloca <4 x float>, align 64
  %acc5 = alloca <4 x float>, align 64
  %acc6 = alloca <4 x float>, align 64
  %acc7 = alloca <4 x float>, align 64
  %acc44 = alloca <2 x float>, align 64
  %acc47 = alloca <2 x float>, align 64
  %acc48 = alloca <2 x float>, align 64
  %acc49 = alloca <2 x float>, align 64
  %v3 = insertelement <4 x float> poison, float 0x0000000000000000, i64 0
  %v4 = shufflevector <4 x float> %v3, <4 x float> poison, <4 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  store <4 x float> %v4, ptr %acc2, align 64
  store <4 x float> %v4, ptr %acc5, align 64
  store <4 x float> %v4, ptr %acc6, align 64
  store <4 x float> %v4, ptr %acc7, align 64
  br label %L8.pre
  L8.pre:
  br label %L8.head
  L8.head:
  %L8 = phi i64 [ 0, %L8.pre ], [ %L8.next, %L8.latch ]
  %v9 = load <4 x float>, ptr %acc2, align 64
  %v10 = mul nsw i64 %L8, 310
  %v11 = add nsw i64 %L1, %v10
  %v12 = getelementptr inbounds float, ptr %b0, i64 %v11
  %v13 = load <4 x float>, ptr %v12, align 4
  %v14 = fadd <4 x float> %v9, %v13
  store <4 x float> %v14, ptr %acc2, align 64
  %v15 = load <4 x float>, ptr %acc5, align 64
  %v16 = mul nsw i64 %L8, 310
  %v17 = add nsw i64 %L1, %v16
  %v18 = add nsw i64 %v17, 310
  %v19 = getelementptr inbounds float, ptr %b0, i64 %v18
  %v20 = load <4 x float>, ptr %v19, align 4
  %v21 = fadd <4 x float> %v15, %v20
  store <4 x float> %v21, ptr %acc5, align 64
  %v22 = load <4 x float>, ptr %acc6, align 64
  %v23 = mul nsw i64 %L8, 310
  %v24 = add nsw i64 %L1, %v23
  %v25 = add nsw i64 %v24, 620
  %v26 = getelementptr inbounds float, ptr %b0, i64 %v25
  %v27 = load <4 x float>, ptr %v26, align 4
  %v28 = fadd <4 x float> %v22, %v27
  store <4 x float> %v28, ptr %acc6, align 64
  %v29 = load <4 x float>, ptr %acc7, align 64
  %v30 = mul nsw i64 %L8, 310
  %v31 = add nsw i64 %L1, %v30
  %v32 = add nsw i64 %v31, 930
  %v33 = getelementptr inbounds float, ptr %b0, i64 %v32
  %v34 = load <4 x float>, ptr %v33, align 4
  %v35 = fadd <4 x float> %v29, %v34
  store <4 x float> %v35, ptr %acc7, align 64
  br label %L8.latch
  L8.latch:
  %L8.next = add nuw nsw i64 %L8, 4
  %L8.more = icmp ult i64 %L8.next, 900
  br i1 %L8.more, label %L8.head, label %L8.exit
  L8.exit:
  %v36 = load <4 x float>, ptr %acc2, align 64
  %v37 = load <4 x float>, ptr %acc5, align 64
  %v38 = fadd <4 x float> %v36, %v37
  %v39 = load <4 x float>, ptr %acc6, align 64
  %v40 = fadd <4 x float> %v38, %v39
  %v41 = load <4 x float>, ptr %acc7, align 64
  %v42 = fadd <4 x float> %v40, %v41
  %v43 = getelementptr inbounds float, ptr %b1, i64 %L1
  store <4 x float> %v42, ptr %v43, align 4
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 4
  %L1.more = icmp ult i64 %L1.next, 308
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  %v45 = insertelement <2 x float> poison, float 0x0000000000000000, i64 0
  %v46 = shufflevector <2 x float> %v45, <2 x float> poison, <2 x i32> zeroinitializer
  store <2 x float> %v46, ptr %acc44, align 64
  store <2 x float> %v46, ptr %acc47, align 64
  store <2 x float> %v46, ptr %acc48, align 64
  store <2 x float> %v46, ptr %acc49, align 64
  br label %L50.pre
  L50.pre:
  br label %L50.head
  L50.head:
  %L50 = phi i64 [ 0, %L50.pre ], [ %L50.next, %L50.latch ]
  %v51 = load <2 x float>, ptr %acc44, align 64
  %v52 = mul nsw i64 %L50, 310
  %v53 = add nsw i64 0, %v52
  %v54 = add nsw i64 %v53, 308
  %v55 = getelementptr inbounds float, ptr %b0, i64 %v54
  %v56 = load <2 x float>, ptr %v55, align 4
  %v57 = fadd <2 x float> %v51, %v56
  store <2 x float> %v57, ptr %acc44, align 64
  %v58 = load <2 x float>, ptr %acc47, align 64
  %v59 = mul nsw i64 %L50, 310
  %v60 = add nsw i64 0, %v59
  %v61 = add nsw i64 %v60, 618
  %v62 = getelementptr inbounds float, ptr %b0, i64 %v61
  %v63 = load <2 x float>, ptr %v62, align 4
  %v64 = fadd <2 x float> %v58, %v63
  store <2 x float> %v64, ptr %acc47, align 64
  %v65 = load <2 x float>, ptr %acc48, align 64
  %v66 = mul nsw i64 %L50, 310
  %v67 = add nsw i64 0, %v66
  %v68 = add nsw i64 %v67, 928
  %v69 = getelementptr inbounds float, ptr %b0, i64 %v68
  %v70 = load <2 x float>, ptr %v69, align 4
  %v71 = fadd <2 x float> %v65, %v70
  store <2 x float> %v71, ptr %acc48, align 64
  %v72 = load <2 x float>, ptr %acc49, align 64
  %v73 = mul nsw i64 %L50, 310
  %v74 = add nsw i64 0, %v73
  %v75 = add nsw i64 %v74, 1238
  %v76 = getelementptr inbounds float, ptr %b0, i64 %v75
  %v77 = load <2 x float>, ptr %v76, align 4
  %v78 = fadd <2 x float> %v72, %v77
  store <2 x float> %v78, ptr %acc49, align 64
  br label %L50.latch
  L50.latch:
  %L50.next = add nuw nsw i64 %L50, 4
  %L50.more = icmp ult i64 %L50.next, 900
  br i1 %L50.more, label %L50.head, label %L50.exit
  L50.exit:
  %v79 = load <2 x float>, ptr %acc44, align 64
  %v80 = load <2 x float>, ptr %acc47, align 64
  %v81 = fadd <2 x float> %v79, %v80
  %v82 = load <2 x float>, ptr %acc48, align 64
  %v83 = fadd <2 x float> %v81, %v82
  %v84 = load <2 x float>, ptr %acc49, align 64
  %v85 = fadd <2 x float> %v83, %v84
  %v86 = add nsw i64 0, 308
  %v87 = getelementptr inbounds float, ptr %b1, i64 %v86
  store <2 x float> %v85, ptr %v87, align 4
  ret void
}
