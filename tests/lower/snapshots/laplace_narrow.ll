define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1) #0 {
  %v1 = getelementptr inbounds double, ptr %b0, i64 0
  %v2 = load double, ptr %v1, align 8
  %v3 = getelementptr inbounds double, ptr %b1, i64 0
  store double %v2, ptr %v3, align 8
  br label %L4.pre
  L4.pre:
  br label %L4.head
  L4.head:
  %L4 = phi i64 [ 0, %L4.pre ], [ %L4.next, %L4.latch ]
  %v5 = add nsw i64 %L4, 1
  %v6 = getelementptr inbounds double, ptr %b0, i64 %v5
  %v7 = load <2 x double>, ptr %v6, align 8
  %v8 = getelementptr inbounds double, ptr %b1, i64 %v5
  store <2 x double> %v7, ptr %v8, align 8
  br label %L4.latch
  L4.latch:
  %L4.next = add nuw nsw i64 %L4, 2
  %L4.more = icmp ult i64 %L4.next, 38
  br i1 %L4.more, label %L4.head, label %L4.exit
  L4.exit:
  %v9 = getelementptr inbounds double, ptr %b0, i64 39
  %v10 = load double, ptr %v9, align 8
  %v11 = getelementptr inbounds double, ptr %b1, i64 39
  store double %v10, ptr %v11, align 8
  %v12 = getelementptr inbounds double, ptr %b0, i64 40
  %v13 = load double, ptr %v12, align 8
  %v14 = getelementptr inbounds double, ptr %b1, i64 40
  store double %v13, ptr %v14, align 8
  %v38 = insertelement <2 x double> poison, double 0x4000000000000000, i64 0
  %v39 = shufflevector <2 x double> %v38, <2 x double> poison, <2 x i32> zeroinitializer
  %v42 = insertelement <2 x double> poison, double 0x3FB999999999999A, i64 0
  %v43 = shufflevector <2 x double> %v42, <2 x double> poison, <2 x i32> zeroinitializer
  br label %L15.pre
  L15.pre:
  br label %L15.head
  L15.head:
  %L15 = phi i64 [ 0, %L15.pre ], [ %L15.next, %L15.latch ]
  %v16 = mul nsw i64 %L15, 41
  %v17 = add nsw i64 %v16, 41
  %v18 = getelementptr inbounds double, ptr %b0, i64 %v17
  %v19 = load double, ptr %v18, align 8
  %v20 = getelementptr inbounds double, ptr %b1, i64 %v17
  store double %v19, ptr %v20, align 8
  %v22 = mul nsw i64 %L15, 41
  %v27 = mul nsw i64 %L15, 41
  %v32 = mul nsw i64 %L15, 41
  br label %L21.pre
  L21.pre:
  br label %L21.head
  L21.head:
  %L21 = phi i64 [ 0, %L21.pre ], [ %L21.next, %L21.latch ]
  %v23 = add nsw i64 %v22, %L21
  %v24 = add nsw i64 %v23, 42
  %v25 = getelementptr inbounds double, ptr %b0, i64 %v24
  %v26 = load <2 x double>, ptr %v25, align 8
  %v28 = add nsw i64 %v27, %L21
  %v29 = add nsw i64 %v28, 83
  %v30 = getelementptr inbounds double, ptr %b0, i64 %v29
  %v31 = load <2 x double>, ptr %v30, align 8
  %v33 = add nsw i64 %v32, %L21
  %v34 = add nsw i64 %v33, 1
  %v35 = getelementptr inbounds double, ptr %b0, i64 %v34
  %v36 = load <2 x double>, ptr %v35, align 8
  %v37 = fadd <2 x double> %v31, %v36
  %v40 = fmul <2 x double> %v39, %v26
  %v41 = fsub <2 x double> %v37, %v40
  %v44 = fmul <2 x double> %v43, %v41
  %v45 = fadd <2 x double> %v26, %v44
  %v46 = getelementptr inbounds double, ptr %b1, i64 %v24
  store <2 x double> %v45, ptr %v46, align 8
  br label %L21.latch
  L21.latch:
  %L21.next = add nuw nsw i64 %L21, 2
  %L21.more = icmp ult i64 %L21.next, 38
  br i1 %L21.more, label %L21.head, label %L21.exit
  L21.exit:
  %v47 = mul nsw i64 %L15, 41
  %v48 = add nsw i64 %v47, 80
  %v49 = getelementptr inbounds double, ptr %b0, i64 %v48
  %v50 = load double, ptr %v49, align 8
  %v51 = mul nsw i64 %L15, 41
  %v52 = add nsw i64 %v51, 121
  %v53 = getelementptr inbounds double, ptr %b0, i64 %v52
  %v54 = load double, ptr %v53, align 8
  %v55 = mul nsw i64 %L15, 41
  %v56 = add nsw i64 %v55, 39
  %v57 = getelementptr inbounds double, ptr %b0, i64 %v56
  %v58 = load double, ptr %v57, align 8
  %v59 = fadd double %v54, %v58
  %v60 = fmul double 0x4000000000000000, %v50
  %v61 = fsub double %v59, %v60
  %v62 = fmul double 0x3FB999999999999A, %v61
  %v63 = fadd double %v50, %v62
  %v64 = getelementptr inbounds double, ptr %b1, i64 %v48
  store double %v63, ptr %v64, align 8
  %v65 = mul nsw i64 %L15, 41
  %v66 = add nsw i64 %v65, 81
  %v67 = getelementptr inbounds double, ptr %b0, i64 %v66
  %v68 = load double, ptr %v67, align 8
  %v69 = getelementptr inbounds double, ptr %b1, i64 %v66
  store double %v68, ptr %v69, align 8
  br label %L15.latch
  L15.latch:
  %L15.next = add nuw nsw i64 %L15, 1
  %L15.more = icmp ult i64 %L15.next, 58
  br i1 %L15.more, label %L15.head, label %L15.exit
  L15.exit:
  %v70 = getelementptr inbounds double, ptr %b0, i64 2419
  %v71 = load double, ptr %v70, align 8
  %v72 = getelementptr inbounds double, ptr %b1, i64 2419
  store double %v71, ptr %v72, align 8
  br label %L73.pre
  L73.pre:
  br label %L73.head
  L73.head:
  %L73 = phi i64 [ 0, %L73.pre ], [ %L73.next, %L73.latch ]
  %v74 = add nsw i64 %L73, 2420
  %v75 = getelementptr inbounds double, ptr %b0, i64 %v74
  %v76 = load <2 x double>, ptr %v75, align 8
  %v77 = getelementptr inbounds double, ptr %b1, i64 %v74
  store <2 x double> %v76, ptr %v77, align 8
  br label %L73.latch
  L73.latch:
  %L73.next = add nuw nsw i64 %L73, 2
  %L73.more = icmp ult i64 %L73.next, 38
  br i1 %L73.more, label %L73.head, label %L73.exit
  L73.exit:
  %v78 = getelementptr inbounds double, ptr %b0, i64 2458
  %v79 = load double, ptr %v78, align 8
  %v80 = getelementptr inbounds double, ptr %b1, i64 2458
  store double %v79, ptr %v80, align 8
  %v81 = getelementptr inbounds double, ptr %b0, i64 2459
  %v82 = load double, ptr %v81, align 8
  %v83 = getelementptr inbounds double, ptr %b1, i64 2459
  store double %v82, ptr %v83, align 8
  ret void
}
