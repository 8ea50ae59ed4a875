define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1) #0 {
  %acc4 = alloca <16 x float>, align 64
  %acc5 = alloca <16 x i64>, align 64
  %acc28 = alloca float, align 64
  %acc29 = alloca i64, align 64
  %v6 = insertelement <16 x i64> poison, i64 0, i64 0
  %v7 = shufflevector <16 x i64> %v6, <16 x i64> poison, <16 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v2 = getelementptr inbounds float, ptr %b0, i64 %L1
  %v3 = load <16 x float>, ptr %v2, align 4
  store <16 x float> %v3, ptr %acc4, align 64
  store <16 x i64> %v7, ptr %acc5, align 64
  br label %L8.pre
  L8.pre:
  br label %L8.head
  L8.head:
  %L8 = phi i64 [ 0, %L8.pre ], [ %L8.next, %L8.latch ]
  %v9 = mul nsw i64 %L8, 65
  %v10 = add nsw i64 %L1, %v9
  %v11 = getelementptr inbounds float, ptr %b0, i64 %v10
  %v12 = load <16 x float>, ptr %v11, align 4
  %v13 = load <16 x float>, ptr %acc4, align 64
  %v14 = fcmp ogt <16 x float> %v12, %v13
  %v15 = fcmp uno <16 x float> %v12, %v12
  %v16 = fcmp ord <16 x float> %v13, %v13
  %v17 = and <16 x i1> %v15, %v16
  %v18 = or <16 x i1> %v14, %v17
  %v19 = select <16 x i1> %v18, <16 x float> %v12, <16 x float> %v13
  store <16 x float> %v19, ptr %acc4, align 64
  %v20 = load <16 x i64>, ptr %acc5, align 64
  %v21 = insertelement <16 x i64> poison, i64 %L8, i64 0
  %v22 = shufflevector <16 x i64> %v21, <16 x i64> poison, <16 x i32> zeroinitializer
  %v23 = select <16 x i1> %v18, <16 x i64> %v22, <16 x i64> %v20
  store <16 x i64> %v23, ptr %acc5, align 64
  br label %L8.latch
  L8.latch:
  %L8.next = add nuw nsw i64 %L8, 1
  %L8.more = icmp ult i64 %L8.next, 20
  br i1 %L8.more, label %L8.head, label %L8.exit
  L8.exit:
  %v24 = load <16 x i64>, ptr %acc5, align 64
  %v25 = getelementptr inbounds i64, ptr %b1, i64 %L1
  store <16 x i64> %v24, ptr %v25, align 8
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 16
  %L1.more = icmp ult i64 %L1.next, 64
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  %v26 = getelementptr inbounds float, ptr %b0, i64 64
  %v27 = load float, ptr %v26, align 4
  store float %v27, ptr %acc28, align 64
  store i64 0, ptr %acc29, align 64
  br label %L30.pre
  L30.pre:
  br label %L30.head
  L30.head:
  %L30 = phi i64 [ 0, %L30.pre ], [ %L30.next, %L30.latch ]
  %v31 = mul nsw i64 %L30, 65
  %v32 = add nsw i64 %v31, 64
  %v33 = getelementptr inbounds float, ptr %b0, i64 %v32
  %v34 = load float, ptr %v33, align 4
  %v35 = load float, ptr %acc28, align 64
  %v36 = fcmp ogt float %v34, %v35
  %v37 = fcmp uno float %v34, %v34
  %v38 = fcmp ord float %v35, %v35
  %v39 = and i1 %v37, %v38
  %v40 = or i1 %v36, %v39
  %v41 = select i1 %v40, float %v34, float %v35
  store float %v41, ptr %acc28, align 64
  %v42 = load i64, ptr %acc29, align 64
  %v43 = select i1 %v40, i64 %L30, i64 %v42
  store i64 %v43, ptr %acc29, align 64
  br label %L30.latch
  L30.latch:
  %L30.next = add nuw nsw i64 %L30, 1
  %L30.more = icmp ult i64 %L30.next, 20
  br i1 %L30.more, label %L30.head, label %L30.exit
  L30.exit:
  %v44 = load i64, ptr %acc29, align 64
  %v45 = getelementptr inbounds i64, ptr %b1, i64 64
  store i64 %v44, ptr %v45, align 8
  ret void
}
