define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1, ptr %b2) #0 {
  %v22 = insertelement <2 x double> poison, double 0x4000000000000000, i64 0
  %v23 = shufflevector <2 x double> %v22, <2 x double> poison, <2 x i32> zeroinitializer
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v3 = mul nsw i64 %L1, 17
  %v7 = mul nsw i64 %L1, 47
  br label %L2.pre
  L2.pre:
  br label %L2.head
  L2.head:
  %L2 = phi i64 [ 0, %L2.pre ], [ %L2.next, %L2.latch ]
  %v4 = add nsw i64 %v3, %L2
  %v5 = getelementptr inbounds double, ptr %b0, i64 %v4
  %v6 = load <2 x double>, ptr %v5, align 8
  %v8 = add nsw i64 %v7, %L2
  %v9 = getelementptr inbounds double, ptr %b1, i64 %v8
  store <2 x double> %v6, ptr %v9, align 8
  br label %L2.latch
  L2.latch:
  %L2.next = add nuw nsw i64 %L2, 2
  %L2.more = icmp ult i64 %L2.next, 16
  br i1 %L2.more, label %L2.head, label %L2.exit
  L2.exit:
  %v10 = mul nsw i64 %L1, 17
  %v11 = add nsw i64 %v10, 16
  %v12 = getelementptr inbounds double, ptr %b0, i64 %v11
  %v13 = load double, ptr %v12, align 8
  %v14 = mul nsw i64 %L1, 47
  %v15 = add nsw i64 %v14, 16
  %v16 = getelementptr inbounds double, ptr %b1, i64 %v15
  store double %v13, ptr %v16, align 8
  %v18 = mul nsw i64 %L1, 30
  %v25 = mul nsw i64 %L1, 47
  br label %L17.pre
  L17.pre:
  br label %L17.head
  L17.head:
  %L17 = phi i64 [ 0, %L17.pre ], [ %L17.next, %L17.latch ]
  %v19 = add nsw i64 %v18, %L17
  %v20 = getelementptr inbounds double, ptr %b2, i64 %v19
  %v21 = load <2 x double>, ptr %v20, align 8
  %v24 = fmul <2 x double> %v21, %v23
  %v26 = add nsw i64 %v25, %L17
  %v27 = add nsw i64 %v26, 17
  %v28 = getelementptr inbounds double, ptr %b1, i64 %v27
  store <2 x double> %v24, ptr %v28, align 8
  br label %L17.latch
  L17.latch:
  %L17.next = add nuw nsw i64 %L17, 2
  %L17.more = icmp ult i64 %L17.next, 30
  br i1 %L17.more, label %L17.head, label %L17.exit
  L17.exit:
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 1
  %L1.more = icmp ult i64 %L1.next, 20
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  ret void
}
