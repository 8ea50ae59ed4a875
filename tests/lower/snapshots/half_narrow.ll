define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1) #0 {
  %v5 = insertelement <8 x half> poison, half 0xH0000, i64 0
  %v6 = shufflevector <8 x half> %v5, <8 x half> poison, <8 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v2 = getelementptr inbounds half, ptr %b0, i64 %L1
  %v3 = load <8 x half>, ptr %v2, align 2
  %v4 = fadd <8 x half> %v3, %v3
  %v7 = fcmp oge <8 x half> %v4, %v6
  %v8 = fcmp uno <8 x half> %v4, %v4
  %v9 = or <8 x i1> %v7, %v8
  %v10 = select <8 x i1> %v9, <8 x half> %v4, <8 x half> %v6
  %v11 = getelementptr inbounds half, ptr %b1, i64 %L1
  store <8 x half> %v10, ptr %v11, align 2
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 8
  %L1.more = icmp ult i64 %L1.next, 696
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  %v12 = add nsw i64 0, 696
  %v13 = getelementptr inbounds half, ptr %b0, i64 %v12
  %v14 = load <4 x half>, ptr %v13, align 2
  %v15 = fadd <4 x half> %v14, %v14
  %v16 = insertelement <4 x half> poison, half 0xH0000, i64 0
  %v17 = shufflevector <4 x half> %v16, <4 x half> poison, <4 x i32> zeroinitializer
  %v18 = fcmp oge <4 x half> %v15, %v17
  %v19 = fcmp uno <4 x half> %v15, %v15
  %v20 = or <4 x i1> %v18, %v19
  %v21 = select <4 x i1> %v20, <4 x half> %v15, <4 x half> %v17
  %v22 = getelementptr inbounds half, ptr %b1, i64 %v12
  store <4 x half> %v21, ptr %v22, align 2
  %v23 = getelementptr inbounds half, ptr %b0, i64 700
  %v24 = load half, ptr %v23, align 2
  %v25 = fadd half %v24, %v24
  %v26 = fcmp oge half %v25, 0xH0000
  %v27 = fcmp uno half %v25, %v25
  %v28 = or i1 %v26, %v27
  %v29 = select i1 %v28, half %v25, half 0xH0000
  %v30 = getelementptr inbounds half, ptr %b1, i64 700
  store half %v29, ptr %v30, align 2
  ret void
}
