define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1, ptr %b2, ptr %b3, ptr %b4) #0 {
  %v4 = insertelement <4 x float> poison, float 0x3FECCCCCC0000000, i64 0
  %v5 = shufflevector <4 x float> %v4, <4 x float> poison, <4 x i32> zeroinitializer
  %v12 = insertelement <4 x float> poison, float 0x3FB99999A0000000, i64 0
  %v13 = shufflevector <4 x float> %v12, <4 x float> poison, <4 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v2 = getelementptr inbounds float, ptr %b0, i64 %L1
  %v3 = load <4 x float>, ptr %v2, align 4
  %v6 = fmul <4 x float> %v5, %v3
  %v7 = getelementptr inbounds float, ptr %b1, i64 %L1
  %v8 = load <4 x float>, ptr %v7, align 4
  %v9 = fadd <4 x float> %v6, %v8
  %v10 = getelementptr inbounds float, ptr %b2, i64 %L1
  %v11 = load <4 x float>, ptr %v10, align 4
  %v14 = fmul <4 x float> %v13, %v9
  %v15 = fsub <4 x float> %v11, %v14
  %v16 = getelementptr inbounds float, ptr %b3, i64 %L1
  store <4 x float> %v9, ptr %v16, align 4
  %v17 = getelementptr inbounds float, ptr %b4, i64 %L1
  store <4 x float> %v15, ptr %v17, align 4
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 4
  %L1.more = icmp ult i64 %L1.next, 920
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  ret void
}
