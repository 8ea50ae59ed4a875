define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1, ptr %b2) #0 {
  %v12 = insertelement <2 x double> poison, double 0x4008000000000000, i64 0
  %v13 = shufflevector <2 x double> %v12, <2 x double> poison, <2 x i32> zeroinitializer
  %v21 = getelementptr inbounds double, ptr %b1, i64 32
  %v22 = load double, ptr %v21, align 8
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v3 = mul nsw i64 %L1, 33
  br label %L2.pre
  L2.pre:
  br label %L2.head
  L2.head:
  %L2 = phi i64 [ 0, %L2.pre ], [ %L2.next, %L2.latch ]
  %v4 = add nsw i64 %v3, %L2
  %v5 = getelementptr inbounds double, ptr %b0, i64 %v4
  %v6 = load <2 x double>, ptr %v5, align 8
  %v7 = fmul <2 x double> %v6, %v6
  %v8 = getelementptr inbounds double, ptr %b1, i64 %L2
  %v9 = load <2 x double>, ptr %v8, align 8
  %v10 = fadd <2 x double> %v7, %v9
  %v11 = call <2 x double> @llvm.sqrt.v2f64(<2 x double> %v10)
  %v14 = fdiv <2 x double> %v11, %v13
  %v15 = getelementptr inbounds double, ptr %b2, i64 %v4
  store <2 x double> %v14, ptr %v15, align 8
  br label %L2.latch
  L2.latch:
  %L2.next = add nuw nsw i64 %L2, 2
  %L2.more = icmp ult i64 %L2.next, 32
  br i1 %L2.more, label %L2.head, label %L2.exit
  L2.exit:
  %v16 = mul nsw i64 %L1, 33
  %v17 = add nsw i64 %v16, 32
  %v18 = getelementptr inbounds double, ptr %b0, i64 %v17
  %v19 = load double, ptr %v18, align 8
  %v20 = fmul double %v19, %v19
  %v23 = fadd double %v20, %v22
  %v24 = call double @llvm.sqrt.f64(double %v23)
  %v25 = fdiv double %v24, 0x4008000000000000
  %v26 = getelementptr inbounds double, ptr %b2, i64 %v17
  store double %v25, ptr %v26, align 8
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 1
  %L1.more = icmp ult i64 %L1.next, 50
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  ret void
}
