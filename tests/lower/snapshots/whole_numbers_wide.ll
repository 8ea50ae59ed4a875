define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1, ptr %b2, ptr %b3) #0 {
  %v6 = insertelement <8 x i64> poison, i64 0, i64 0
  %v7 = shufflevector <8 x i64> %v6, <8 x i64> poison, <8 x i32> zeroinitializer
  %v9 = insertelement <8 x i64> poison, i64 -9223372036854775808, i64 0
  %v10 = shufflevector <8 x i64> %v9, <8 x i64> poison, <8 x i32> zeroinitializer
  %v12 = insertelement <8 x i64> poison, i64 -1, i64 0
  %v13 = shufflevector <8 x i64> %v12, <8 x i64> poison, <8 x i32> zeroinitializer
  %v17 = insertelement <8 x i64> poison, i64 1, i64 0
  %v18 = shufflevector <8 x i64> %v17, <8 x i64> poison, <8 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v2 = getelementptr inbounds i64, ptr %b0, i64 %L1
  %v3 = load <8 x i64>, ptr %v2, align 8
  %v4 = getelementptr inbounds i64, ptr %b1, i64 %L1
  %v5 = load <8 x i64>, ptr %v4, align 8
  %v8 = icmp eq <8 x i64> %v5, %v7
  %v11 = icmp eq <8 x i64> %v3, %v10
  %v14 = icmp eq <8 x i64> %v5, %v13
  %v15 = and <8 x i1> %v11, %v14
  %v16 = or <8 x i1> %v8, %v15
  %v19 = select <8 x i1> %v16, <8 x i64> %v18, <8 x i64> %v5
  %v20 = sdiv <8 x i64> %v3, %v19
  %v21 = srem <8 x i64> %v3, %v19
  %v22 = icmp ne <8 x i64> %v21, %v7
  %v23 = xor <8 x i64> %v21, %v5
  %v24 = icmp slt <8 x i64> %v23, %v7
  %v25 = and <8 x i1> %v22, %v24
  %v26 = add <8 x i64> %v21, %v5
  %v27 = select <8 x i1> %v25, <8 x i64> %v26, <8 x i64> %v21
  %v28 = select <8 x i1> %v8, <8 x i64> %v7, <8 x i64> %v27
  %v29 = icmp eq <8 x i64> %v5, %v7
  %v30 = icmp eq <8 x i64> %v3, %v10
  %v31 = icmp eq <8 x i64> %v5, %v13
  %v32 = and <8 x i1> %v30, %v31
  %v33 = or <8 x i1> %v29, %v32
  %v34 = select <8 x i1> %v33, <8 x i64> %v18, <8 x i64> %v5
  %v35 = sdiv <8 x i64> %v3, %v34
  %v36 = srem <8 x i64> %v3, %v34
  %v37 = icmp ne <8 x i64> %v36, %v7
  %v38 = xor <8 x i64> %v36, %v5
  %v39 = icmp slt <8 x i64> %v38, %v7
  %v40 = sub <8 x i64> %v35, %v18
  %v41 = and <8 x i1> %v37, %v39
  %v42 = select <8 x i1> %v41, <8 x i64> %v40, <8 x i64> %v35
  %v43 = select <8 x i1> %v29, <8 x i64> %v7, <8 x i64> %v42
  %v44 = getelementptr inbounds i64, ptr %b2, i64 %L1
  store <8 x i64> %v28, ptr %v44, align 8
  %v45 = getelementptr inbounds i64, ptr %b3, i64 %L1
  store <8 x i64> %v43, ptr %v45, align 8
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 8
  %L1.more = icmp ult i64 %L1.next, 296
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  %v46 = add nsw i64 0, 296
  %v47 = getelementptr inbounds i64, ptr %b0, i64 %v46
  %v48 = call <8 x i64> @llvm.masked.load.v8i64.p0(ptr %v47, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false>, <8 x i64> zeroinitializer)
  %v49 = getelementptr inbounds i64, ptr %b1, i64 %v46
  %v50 = call <8 x i64> @llvm.masked.load.v8i64.p0(ptr %v49, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false>, <8 x i64> zeroinitializer)
  %v51 = icmp eq <8 x i64> %v50, %v7
  %v52 = icmp eq <8 x i64> %v48, %v10
  %v53 = icmp eq <8 x i64> %v50, %v13
  %v54 = and <8 x i1> %v52, %v53
  %v55 = or <8 x i1> %v51, %v54
  %v56 = select <8 x i1> %v55, <8 x i64> %v18, <8 x i64> %v50
  %v57 = sdiv <8 x i64> %v48, %v56
  %v58 = srem <8 x i64> %v48, %v56
  %v59 = icmp ne <8 x i64> %v58, %v7
  %v60 = xor <8 x i64> %v58, %v50
  %v61 = icmp slt <8 x i64> %v60, %v7
  %v62 = and <8 x i1> %v59, %v61
  %v63 = add <8 x i64> %v58, %v50
  %v64 = select <8 x i1> %v62, <8 x i64> %v63, <8 x i64> %v58
  %v65 = select <8 x i1> %v51, <8 x i64> %v7, <8 x i64> %v64
  %v66 = icmp eq <8 x i64> %v50, %v7
  %v67 = icmp eq <8 x i64> %v48, %v10
  %v68 = icmp eq <8 x i64> %v50, %v13
  %v69 = and <8 x i1> %v67, %v68
  %v70 = or <8 x i1> %v66, %v69
  %v71 = select <8 x i1> %v70, <8 x i64> %v18, <8 x i64> %v50
  %v72 = sdiv <8 x i64> %v48, %v71
  %v73 = srem <8 x i64> %v48, %v71
  %v74 = icmp ne <8 x i64> %v73, %v7
  %v75 = xor <8 x i64> %v73, %v50
  %v76 = icmp slt <8 x i64> %v75, %v7
  %v77 = sub <8 x i64> %v72, %v18
  %v78 = and <8 x i1> %v74, %v76
  %v79 = select <8 x i1> %v78, <8 x i64> %v77, <8 x i64> %v72
  %v80 = select <8 x i1> %v66, <8 x i64> %v7, <8 x i64> %v79
  %v81 = getelementptr inbounds i64, ptr %b2, i64 %v46
  call void @llvm.masked.store.v8i64.p0(<8 x i64> %v65, ptr %v81, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false>)
  %v82 = getelementptr inbounds i64, ptr %b3, i64 %v46
  call void @llvm.masked.store.v8i64.p0(<8 x i64> %v80, ptr %v82, i32 8, <8 x i1> <i1 true, i1 true, i1 true, i1 true, i1 true, i1 false, i1 false, i1 false>)
  ret void
}
