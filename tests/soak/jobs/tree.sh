# A tree of files goes through tar, gzip and cp, and is the same afterwards; find sees all of it.
fail() { echo "not ok tree: $1"; exit 1; }
mkdir a b c && cd a || exit 1
for d in 1 2 3 4; do
    mkdir -p d$d/e/f && seq $(($1 % 2000 + d * 100)) > d$d/e/numbers
    for f in 1 2 3 4 5; do echo "$d $f $1" > d$d/e/f/file$f; ln -s file$f d$d/e/f/link$f; done
    ln d$d/e/numbers d$d/hard
    dd if=/dev/urandom of=d$d/random bs=1000 count=$((d * 20)) 2>/dev/null
done
cd ..
n=$(find a | wc -l)
[ "$n" -eq 65 ] || fail "find saw $n names"
want=$(cd a && find . -type f | sort | xargs md5sum | md5sum)
tar cf - a | gzip | gunzip | tar xf - -C b || fail "tar: $?"
cp -a a/. c/ || fail "cp: $?"
for copy in b/a c; do
    got=$(cd $copy && find . -type f | sort | xargs md5sum | md5sum)
    [ "$got" = "$want" ] || fail "$copy differs"
    diff -r a $copy > /dev/null || fail "diff of $copy"
done
find a -type f | while read name; do mv $name $name.moved && rm $name.moved || fail "mv $name"; done
[ "$(find a -type f | wc -l)" -eq 0 ] || fail "files are left"
rm -r a b c || fail "rm: $?"
