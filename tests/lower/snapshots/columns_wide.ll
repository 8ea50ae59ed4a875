define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1) #0 {
  %acc2 = alloca <64 x float>, align 64
  %acc5 = alloca <64 x float>, align 64
  %acc24 = alloca <64 x float>, align 64
  %acc25 = alloca <64 x float>, align 64
  %v3 = insertelement <64 x float> poison, float 0x0000000000000000, i64 0
  %v4 = shufflevector <64 x float> %v3, <64 x float> poison, <64 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  store <64 x float> %v4, ptr %acc2, align 64
  store <64 x float> %v4, ptr %acc5, align 64
  br label %L6.pre
  L6.pre:
  br label %L6.head
  L6.head:
  %L6 = phi i64 [ 0, %L6.pre ], [ %L6.next, %L6.latch ]
  %v7 = load <64 x float>, ptr %acc2, align 64
  %v8 = mul nsw i64 %L6, 310
  %v9 = add nsw i64 %L1, %v8
  %v10 = getelementptr inbounds float, ptr %b0, i64 %v9
  %v11 = load <64 x float>, ptr %v10, align 4
  %v12 = fadd <64 x float> %v7, %v11
  store <64 x float> %v12, ptr %acc2, align 64
  %v13 = load <64 x float>, ptr %acc5, align 64
  %v14 = mul nsw i64 %L6, 310
  %v15 = add nsw i64 %L1, %v14
  %v16 = add nsw i64 %v15, 310
  %v17 = getelementptr inbounds float, ptr %b0, i64 %v16
  %v18 = load <64 x float>, ptr %v17, align 4
  %v19 = fadd <64 x float> %v13, %v18
  store <64 x float> %v19, ptr %acc5, align 64
  br label %L6.latch
  L6.latch:
  %L6.next = add nuw nsw i64 %L6, 2
  %L6.more = icmp ult i64 %L6.next, 900
  br i1 %L6.more, label %L6.head, label %L6.exit
  L6.exit:
  %v20 = load <64 x float>, ptr %acc2, align 64
  %v21 = load <64 x float>, ptr %acc5, align 64
  %v22 = fadd <64 x float> %v20, %v21
  %v23 = getelementptr inbounds float, ptr %b1, i64 %L1
  store <64 x float> %v22, ptr %v23, align 4
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 64
  %L1.more = icmp ult i64 %L1.next, 256
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  store <64 x float> %v4, ptr %acc24, align 64
  store <64 x float> %v4, ptr %acc25, align 64
  br label %L26.pre
  L26.pre:
  br label %L26.head
  L26.head:
  %L26 = phi i64 [ 0, %L26.pre ], [ %L26.next, %L26.latch ]
  %v27 = load <64 x float>, ptr %acc24, align 64
  %v28 = mul nsw i64 %L26, 310
  %v29 = add nsw i64 0, %v28
  %v30 = add nsw i64 %v29, 256
  %v31 = getelementptr inbounds float, ptr %b0, i64 %v30
  %v32 = call <64 x float> @llvm.masked.load.v64f32.p0(ptr %v31, i32 4, <64 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false>, <64 x float> zeroinitializer)
  %v33 = fadd <64 x float> %v27, %v32
  store <64 x float> %v33, ptr %acc24, align 64
  %v34 = load <64 x float>, ptr %acc25, align 64
  %v35 = mul nsw i64 %L26, 310
  %v36 = add nsw i64 0, %v35
  %v37 = add nsw i64 %v36, 566
  %v38 = getelementptr inbounds float, ptr %b0, i64 %v37
  %v39 = call <64 x float> @llvm.masked.load.v64f32.p0(ptr %v38, i32 4, <64 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false>, <64 x float> zeroinitializer)
  %v40 = fadd <64 x float> %v34, %v39
  store <64 x float> %v40, ptr %acc25, align 64
  br label %L26.latch
  L26.latch:
  %L26.next = add nuw nsw i64 %L26, 2
  %L26.more = icmp ult i64 %L26.next, 900
  br i1 %L26.more, label %L26.head, label %L26.exit
  L26.exit:
  %v41 = load <64 x float>, ptr %acc24, align 64
  %v42 = load <64 x float>, ptr %acc25, align 64
  %v43 = fadd <64 x float> %v41, %v42
  %v44 = add nsw i64 0, 256
  %v45 = getelementptr inbounds float, ptr %b1, i64 %v44
  call void @llvm.masked.store.v64f32.p0(<64 x float> %v43, ptr %v45, i32 4, <64 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false, i1 false>)
  ret void
}
