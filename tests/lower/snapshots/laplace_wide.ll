define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1) #0 {
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v2 = getelementptr inbounds double, ptr %b0, i64 %L1
  %v3 = load <8 x double>, ptr %v2, align 8
  %v4 = getelementptr inbounds double, ptr %b1, i64 %L1
  store <8 x double> %v3, ptr %v4, align 8
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 8
  %L1.more = icmp ult i64 %L1.next, 40
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  %v5 = getelementptr inbounds double, ptr %b0, i64 40
  %v6 = load double, ptr %v5, align 8
  %v7 = getelementptr inbounds double, ptr %b1, i64 40
  store double %v6, ptr %v7, align 8
  %v13 = insertelement <8 x i64> poison, i64 -1, i64 0
  %v14 = shufflevector <8 x i64> %v13, <8 x i64> poison, <8 x i32> zeroinitializer
  %v16 = insertelement <8 x i64> poison, i64 39, i64 0
  %v17 = shufflevector <8 x i64> %v16, <8 x i64> poison, <8 x i32> zeroinitializer
  %v34 = insertelement <8 x double> poison, double 0x4000000000000000, i64 0
  %v35 = shufflevector <8 x double> %v34, <8 x double> poison, <8 x i32> zeroinitializer
  %v38 = insertelement <8 x double> poison, double 0x3FB999999999999A, i64 0
  %v39 = shufflevector <8 x double> %v38, <8 x double> poison, <8 x i32> zeroinitializer
  br label %L8.pre
  L8.pre:
  br label %L8.head
  L8.head:
  %L8 = phi i64 [ 0, %L8.pre ], [ %L8.next, %L8.latch ]
  %v19 = mul nsw i64 %L8, 41
  %v24 = mul nsw i64 %L8, 41
  %v29 = mul nsw i64 %L8, 41
  br label %L9.pre
  L9.pre:
  br label %L9.head
  L9.head:
  %L9 = phi i64 [ 0, %L9.pre ], [ %L9.next, %L9.latch ]
  %v10 = insertelement <8 x i64> poison, i64 %L9, i64 0
  %v11 = shufflevector <8 x i64> %v10, <8 x i64> poison, <8 x i32> zeroinitializer
  %v12 = add nsw <8 x i64> %v11, <i64 0, i64 1, i64 2, i64 3, i64 4, i64 5, i64 6, i64 7>
  %v15 = add nsw <8 x i64> %v12, %v14
  %v18 = icmp ult <8 x i64> %v15, %v17
  %v20 = add nsw i64 %v19, %L9
  %v21 = add nsw i64 %v20, 41
  %v22 = getelementptr inbounds double, ptr %b0, i64 %v21
  %v23 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %v22, i32 8, <8 x i1> %v18, <8 x double> zeroinitializer)
  %v25 = add nsw i64 %v24, %L9
  %v26 = add nsw i64 %v25, 82
  %v27 = getelementptr inbounds double, ptr %b0, i64 %v26
  %v28 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %v27, i32 8, <8 x i1> %v18, <8 x double> zeroinitializer)
  %v30 = add nsw i64 %v29, %L9
  %v31 = getelementptr inbounds double, ptr %b0, i64 %v30
  %v32 = call <8 x double> @llvm.masked.load.v8f64.p0(ptr %v31, i32 8, <8 x i1> %v18, <8 x double> zeroinitializer)
  %v33 = fadd <8 x double> %v28, %v32
  %v36 = fmul <8 x double> %v35, %v23
  %v37 = fsub <8 x double> %v33, %v36
  %v40 = fmul <8 x double> %v39, %v37
  %v41 = fadd <8 x double> %v23, %v40
  %v42 = load <8 x double>, ptr %v22, align 8
  %v43 = select <8 x i1> %v18, <8 x double> %v41, <8 x double> %v42
  %v44 = getelementptr inbounds double, ptr %b1, i64 %v21
  store <8 x double> %v43, ptr %v44, align 8
  br label %L9.latch
  L9.latch:
  %L9.next = add nuw nsw i64 %L9, 8
  %L9.more = icmp ult i64 %L9.next, 40
  br i1 %L9.more, label %L9.head, label %L9.exit
  L9.exit:
  %v45 = mul nsw i64 %L8, 41
  %v46 = add nsw i64 %v45, 81
  %v47 = getelementptr inbounds double, ptr %b0, i64 %v46
  %v48 = load double, ptr %v47, align 8
  %v49 = getelementptr inbounds double, ptr %b1, i64 %v46
  store double %v48, ptr %v49, align 8
  br label %L8.latch
  L8.latch:
  %L8.next = add nuw nsw i64 %L8, 1
  %L8.more = icmp ult i64 %L8.next, 58
  br i1 %L8.more, label %L8.head, label %L8.exit
  L8.exit:
  br label %L50.pre
  L50.pre:
  br label %L50.head
  L50.head:
  %L50 = phi i64 [ 0, %L50.pre ], [ %L50.next, %L50.latch ]
  %v51 = add nsw i64 %L50, 2419
  %v52 = getelementptr inbounds double, ptr %b0, i64 %v51
  %v53 = load <8 x double>, ptr %v52, align 8
  %v54 = getelementptr inbounds double, ptr %b1, i64 %v51
  store <8 x double> %v53, ptr %v54, align 8
  br label %L50.latch
  L50.latch:
  %L50.next = add nuw nsw i64 %L50, 8
  %L50.more = icmp ult i64 %L50.next, 40
  br i1 %L50.more, label %L50.head, label %L50.exit
  L50.exit:
  %v55 = getelementptr inbounds double, ptr %b0, i64 2459
  %v56 = load double, ptr %v55, align 8
  %v57 = getelementptr inbounds double, ptr %b1, i64 2459
  store double %v56, ptr %v57, align 8
  ret void
}
