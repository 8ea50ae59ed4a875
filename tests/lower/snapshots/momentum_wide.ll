define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1, ptr %b2, ptr %b3, ptr %b4) #0 {
  %v4 = insertelement <16 x float> poison, float 0x3FECCCCCC0000000, i64 0
  %v5 = shufflevector <16 x float> %v4, <16 x float> poison, <16 x i32> zeroinitializer
  %v12 = insertelement <16 x float> poison, float 0x3FB99999A0000000, i64 0
  %v13 = shufflevector <16 x float> %v12, <16 x float> poison, <16 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v2 = getelementptr inbounds float, ptr %b0, i64 %L1
  %v3 = load <16 x float>, ptr %v2, align 4
  %v6 = fmul <16 x float> %v5, %v3
  %v7 = getelementptr inbounds float, ptr %b1, i64 %L1
  %v8 = load <16 x float>, ptr %v7, align 4
  %v9 = fadd <16 x float> %v6, %v8
  %v10 = getelementptr inbounds float, ptr %b2, i64 %L1
  %v11 = load <16 x float>, ptr %v10, align 4
  %v14 = fmul <16 x float> %v13, %v9
  %v15 = fsub <16 x float> %v11, %v14
  %v16 = getelementptr inbounds float, ptr %b3, i64 %L1
  store <16 x float> %v9, ptr %v16, align 4
  %v17 = getelementptr inbounds float, ptr %b4, i64 %L1
  store <16 x float> %v15, ptr %v17, align 4
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 16
  %L1.more = icmp ult i64 %L1.next, 912
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  %v18 = add nsw i64 0, 912
  %v19 = getelementptr inbounds float, ptr %b0, i64 %v18
  %v20 = load <8 x float>, ptr %v19, align 4
  %v21 = insertelement <8 x float> poison, float 0x3FECCCCCC0000000, i64 0
  %v22 = shufflevector <8 x float> %v21, <8 x float> poison, <8 x i32> zeroinitializer
  %v23 = fmul <8 x float> %v22, %v20
  %v24 = getelementptr inbounds float, ptr %b1, i64 %v18
  %v25 = load <8 x float>, ptr %v24, align 4
  %v26 = fadd <8 x float> %v23, %v25
  %v27 = getelementptr inbounds float, ptr %b2, i64 %v18
  %v28 = load <8 x float>, ptr %v27, align 4
  %v29 = insertelement <8 x float> poison, float 0x3FB99999A0000000, i64 0
  %v30 = shufflevector <8 x float> %v29, <8 x float> poison, <8 x i32> zeroinitializer
  %v31 = fmul <8 x float> %v30, %v26
  %v32 = fsub <8 x float> %v28, %v31
  %v33 = getelementptr inbounds float, ptr %b3, i64 %v18
  store <8 x float> %v26, ptr %v33, align 4
  %v34 = getelementptr inbounds float, ptr %b4, i64 %v18
  store <8 x float> %v32, ptr %v34, align 4
  ret void
}
