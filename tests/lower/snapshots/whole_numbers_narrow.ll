define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1, ptr %b2, ptr %b3) #0 {
  %v6 = insertelement <2 x i64> poison, i64 0, i64 0
  %v7 = shufflevector <2 x i64> %v6, <2 x i64> poison, <2 x i32> zeroinitializer
  %v9 = insertelement <2 x i64> poison, i64 -9223372036854775808, i64 0
  %v10 = shufflevector <2 x i64> %v9, <2 x i64> poison, <2 x i32> zeroinitializer
  %v12 = insertelement <2 x i64> poison, i64 -1, i64 0
  %v13 = shufflevector <2 x i64> %v12, <2 x i64> poison, <2 x i32> zeroinitializer
  %v17 = insertelement <2 x i64> poison, i64 1, i64 0
  %v18 = shufflevector <2 x i64> %v17, <2 x i64> poison, <2 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v2 = getelementptr inbounds i64, ptr %b0, i64 %L1
  %v3 = load <2 x i64>, ptr %v2, align 8
  %v4 = getelementptr inbounds i64, ptr %b1, i64 %L1
  %v5 = load <2 x i64>, ptr %v4, align 8
  %v8 = icmp eq <2 x i64> %v5, %v7
  %v11 = icmp eq <2 x i64> %v3, %v10
  %v14 = icmp eq <2 x i64> %v5, %v13
  %v15 = and <2 x i1> %v11, %v14
  %v16 = or <2 x i1> %v8, %v15
  %v19 = select <2 x i1> %v16, <2 x i64> %v18, <2 x i64> %v5
  %v20 = sdiv <2 x i64> %v3, %v19
  %v21 = srem <2 x i64> %v3, %v19
  %v22 = icmp ne <2 x i64> %v21, %v7
  %v23 = xor <2 x i64> %v21, %v5
  %v24 = icmp slt <2 x i64> %v23, %v7
  %v25 = and <2 x i1> %v22, %v24
  %v26 = add <2 x i64> %v21, %v5
  %v27 = select <2 x i1> %v25, <2 x i64> %v26, <2 x i64> %v21
  %v28 = select <2 x i1> %v8, <2 x i64> %v7, <2 x i64> %v27
  %v29 = icmp eq <2 x i64> %v5, %v7
  %v30 = icmp eq <2 x i64> %v3, %v10
  %v31 = icmp eq <2 x i64> %v5, %v13
  %v32 = and <2 x i1> %v30, %v31
  %v33 = or <2 x i1> %v29, %v32
  %v34 = select <2 x i1> %v33, <2 x i64> %v18, <2 x i64> %v5
  %v35 = sdiv <2 x i64> %v3, %v34
  %v36 = srem <2 x i64> %v3, %v34
  %v37 = icmp ne <2 x i64> %v36, %v7
  %v38 = xor <2 x i64> %v36, %v5
  %v39 = icmp slt <2 x i64> %v38, %v7
  %v40 = sub <2 x i64> %v35, %v18
  %v41 = and <2 x i1> %v37, %v39
  %v42 = select <2 x i1> %v41, <2 x i64> %v40, <2 x i64> %v35
  %v43 = select <2 x i1> %v29, <2 x i64> %v7, <2 x i64> %v42
  %v44 = getelementptr inbounds i64, ptr %b2, i64 %L1
  store <2 x i64> %v28, ptr %v44, align 8
  %v45 = getelementptr inbounds i64, ptr %b3, i64 %L1
  store <2 x i64> %v43, ptr %v45, align 8
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 2
  %L1.more = icmp ult i64 %L1.next, 300
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  %v46 = getelementptr inbounds i64, ptr %b0, i64 300
  %v47 = load i64, ptr %v46, align 8
  %v48 = getelementptr inbounds i64, ptr %b1, i64 300
  %v49 = load i64, ptr %v48, align 8
  %v50 = icmp eq i64 %v49, 0
  %v51 = icmp eq i64 %v47, -9223372036854775808
  %v52 = icmp eq i64 %v49, -1
  %v53 = and i1 %v51, %v52
  %v54 = or i1 %v50, %v53
  %v55 = select i1 %v54, i64 1, i64 %v49
  %v56 = sdiv i64 %v47, %v55
  %v57 = srem i64 %v47, %v55
  %v58 = icmp ne i64 %v57, 0
  %v59 = xor i64 %v57, %v49
  %v60 = icmp slt i64 %v59, 0
  %v61 = and i1 %v58, %v60
  %v62 = add i64 %v57, %v49
  %v63 = select i1 %v61, i64 %v62, i64 %v57
  %v64 = select i1 %v50, i64 0, i64 %v63
  %v65 = icmp eq i64 %v49, 0
  %v66 = icmp eq i64 %v47, -9223372036854775808
  %v67 = icmp eq i64 %v49, -1
  %v68 = and i1 %v66, %v67
  %v69 = or i1 %v65, %v68
  %v70 = select i1 %v69, i64 1, i64 %v49
  %v71 = sdiv i64 %v47, %v70
  %v72 = srem i64 %v47, %v70
  %v73 = icmp ne i64 %v72, 0
  %v74 = xor i64 %v72, %v49
  %v75 = icmp slt i64 %v74, 0
  %v76 = sub i64 %v71, 1
  %v77 = and i1 %v73, %v75
  %v78 = select i1 %v77, i64 %v76, i64 %v71
  %v79 = select i1 %v65, i64 0, i64 %v78
  %v80 = getelementptr inbounds i64, ptr %b2, i64 300
  store i64 %v64, ptr %v80, align 8
  %v81 = getelementptr inbounds i64, ptr %b3, i64 300
  store i64 %v79, ptr %v81, align 8
  ret void
}
