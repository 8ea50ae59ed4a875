define internal void @argsort.f.double(ptr %x, i64 %step, ptr %out, i64 %out.step, ptr %work, i64 %n) #0 {
entry:
  %other = getelementptr i64, ptr %work, i64 %n
  %both.rows = mul i64 %n, 2
  br label %count
count:
  %c = phi i64 [ 0, %entry ], [ %c.next, %count ]
  %c.at = getelementptr i64, ptr %work, i64 %c
  store i64 %c, ptr %c.at
  %c.off = mul i64 %c, %step
  %c.x = getelementptr double, ptr %x, i64 %c.off
  %x.c = load double, ptr %c.x
  %number = fadd double %x.c, 0.0
  %bits = bitcast double %number to i64
  %below = ashr i64 %bits, 63
  %turn = lshr i64 %below, 1
  %turned = xor i64 %bits, %turn
  %is.nan = fcmp uno double %number, %number
  %key = select i1 %is.nan, i64 9223372036854775807, i64 %turned
  %c.key = getelementptr i64, ptr %c.at, i64 %both.rows
  store i64 %key, ptr %c.key
  %c.next = add i64 %c, 1
  %c.more = icmp ult i64 %c.next, %n
  br i1 %c.more, label %count, label %pass
pass:
  %width = phi i64 [ 1, %count ], [ %width.next, %passed ]
  %from = phi ptr [ %work, %count ], [ %to, %passed ]
  %to = phi ptr [ %other, %count ], [ %from, %passed ]
  %keys = getelementptr i64, ptr %from, i64 %both.rows
  %to.keys = getelementptr i64, ptr %to, i64 %both.rows
  %more = icmp ult i64 %width, %n
  br i1 %more, label %run, label %finish
run:
  %low = phi i64 [ 0, %pass ], [ %high, %run.done ]
  %middle.far = add i64 %low, %width
  %middle = call i64 @llvm.umin.i64(i64 %middle.far, i64 %n)
  %high.far = add i64 %middle.far, %width
  %high = call i64 @llvm.umin.i64(i64 %high.far, i64 %n)
  br label %merge
merge:
  %i = phi i64 [ %low, %run ], [ %i.next, %step.on ]
  %j = phi i64 [ %middle, %run ], [ %j.next, %step.on ]
  %k = phi i64 [ %low, %run ], [ %k.next, %step.on ]
  %i.in = icmp ult i64 %i, %middle
  %j.in = icmp ult i64 %j, %high
  %both = and i1 %i.in, %j.in
  br i1 %both, label %choose, label %rest
choose:
  %i.key = getelementptr i64, ptr %keys, i64 %i
  %a = load i64, ptr %i.key
  %j.key = getelementptr i64, ptr %keys, i64 %j
  %b = load i64, ptr %j.key
  %right.first = icmp slt i64 %b, %a
  %taken.key = select i1 %right.first, i64 %b, i64 %a
  %place = select i1 %right.first, i64 %j, i64 %i
  %place.at = getelementptr i64, ptr %from, i64 %place
  %taken = load i64, ptr %place.at
  %right = zext i1 %right.first to i64
  %left = sub i64 1, %right
  %i.next = add i64 %i, %left
  %j.next = add i64 %j, %right
  br label %step.on
step.on:
  %k.at = getelementptr i64, ptr %to, i64 %k
  store i64 %taken, ptr %k.at
  %k.key = getelementptr i64, ptr %to.keys, i64 %k
  store i64 %taken.key, ptr %k.key
  %k.next = add i64 %k, 1
  br label %merge
rest:
  %s = select i1 %i.in, i64 %i, i64 %j
  %s.end = select i1 %i.in, i64 %middle, i64 %high
  %s.count = sub i64 %s.end, %s
  %s.bytes = mul i64 %s.count, 8
  %s.at = getelementptr i64, ptr %from, i64 %s
  %t.at = getelementptr i64, ptr %to, i64 %k
  call void @llvm.memcpy.p0.p0.i64(ptr %t.at, ptr %s.at, i64 %s.bytes, i1 false)
  %s.key = getelementptr i64, ptr %keys, i64 %s
  %t.key = getelementptr i64, ptr %to.keys, i64 %k
  call void @llvm.memcpy.p0.p0.i64(ptr %t.key, ptr %s.key, i64 %s.bytes, i1 false)
  br label %run.done
run.done:
  %runs = icmp ult i64 %high, %n
  br i1 %runs, label %run, label %passed
passed:
  %width.next = mul i64 %width, 2
  br label %pass
finish:
  %f = phi i64 [ 0, %pass ], [ %f.next, %finish ]
  %f.at = getelementptr i64, ptr %from, i64 %f
  %found = load i64, ptr %f.at
  %o.off = mul i64 %f, %out.step
  %o.at = getelementptr i64, ptr %out, i64 %o.off
  store i64 %found, ptr %o.at
  %f.next = add i64 %f, 1
  %f.more = icmp ult i64 %f.next, %n
  br i1 %f.more, label %finish, label %done
done:
  ret void
}

define internal void @kernel0(ptr %errors, ptr %b0, ptr %b1, ptr %b2) #0 {
  %v5 = getelementptr inbounds i64, ptr %b2, i64 0
  br label %L1.pre
  L1.pre:
  br label %L1.head
  L1.head:
  %L1 = phi i64 [ 0, %L1.pre ], [ %L1.next, %L1.latch ]
  %v2 = mul nsw i64 %L1, 301
  %v3 = getelementptr inbounds double, ptr %b0, i64 %v2
  %v4 = getelementptr inbounds i64, ptr %b1, i64 %v2
  call void @argsort.f.double(ptr %v3, i64 1, ptr %v4, i64 1, ptr %v5, i64 301)
  br label %L1.latch
  L1.latch:
  %L1.next = add nuw nsw i64 %L1, 1
  %L1.more = icmp ult i64 %L1.next, 3
  br i1 %L1.more, label %L1.head, label %L1.exit
  L1.exit:
  ret void
}
