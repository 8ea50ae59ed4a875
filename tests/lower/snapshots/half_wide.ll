define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1) #0 {
  %v5 = insertelement <16 x half> poison, half 0xH0000, i64 0
  %v6 = shufflevector <16 x half> %v5, <16 x half> poison, <16 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v2 = getelementptr inbounds half, ptr %b0, i64 %L1
  %v3 = load <16 x half>, ptr %v2, align 2
  %v4 = fadd <16 x half> %v3, %v3
  %v7 = fcmp oge <16 x half> %v4, %v6
  %v8 = fcmp uno <16 x half> %v4, %v4
  %v9 = or <16 x i1> %v7, %v8
  %v10 = select <16 x i1> %v9, <16 x half> %v4, <16 x half> %v6
  %v11 = getelementptr inbounds half, ptr %b1, i64 %L1
  store <16 x half> %v10, ptr %v11, align 2
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 16
  %L1.more = icmp ult i64 %L1.next, 688
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  %v12 = add nsw i64 0, 688
  %v13 = getelementptr inbounds half, ptr %b0, i64 %v12
  %v14 = call <16 x half> @llvm.masked.load.v16f16.p0(ptr %v13, i32 2, <16 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false>, <16 x half> zeroinitializer)
  %v15 = fadd <16 x half> %v14, %v14
  %v16 = fcmp oge <16 x half> %v15, %v6
  %v17 = fcmp uno <16 x half> %v15, %v15
  %v18 = or <16 x i1> %v16, %v17
  %v19 = select <16 x i1> %v18, <16 x half> %v15, <16 x half> %v6
  %v20 = getelementptr inbounds half, ptr %b1, i64 %v12
  call void @llvm.masked.store.v16f16.p0(<16 x half> %v19, ptr %v20, i32 2, <16 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false>)
  ret void
}
