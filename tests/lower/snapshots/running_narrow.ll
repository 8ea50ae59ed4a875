define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1) #0 {
  %acc2 = alloca double, align 64
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  store double 0x8000000000000000, ptr %acc2, align 64
  %v4 = mul nsw i64 %L1, 65
  br label %L3.pre
  L3.pre:
  br label %L3.head
  L3.head:
  %L3 = phi i64 [ 0, %L3.pre ], [ %L3.next, %L3.latch ]
  %v5 = add nsw i64 %v4, %L3
  %v6 = getelementptr inbounds double, ptr %b0, i64 %v5
  %v7 = load double, ptr %v6, align 8
  %v8 = load double, ptr %acc2, align 64
  %v9 = fadd double %v8, %v7
  store double %v9, ptr %acc2, align 64
  %v10 = getelementptr inbounds double, ptr %b1, i64 %v5
  store double %v9, ptr %v10, align 8
  br label %L3.latch
  L3.latch:
  %L3.next = add nuw nsw i64 %L3, 1
  %L3.more = icmp ult i64 %L3.next, 65
  br i1 %L3.more, label %L3.head, label %L3.exit
  L3.exit:
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 1
  %L1.more = icmp ult i64 %L1.next, 20
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  ret void
}
