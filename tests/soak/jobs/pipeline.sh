# Long pipelines of different speed carry the same bytes as one process makes.
fail() { echo "not ok pipeline: $1"; exit 1; }
for i in 1 2; do
    n=$(($1 % 9000 + i * 3000))
    want=$(seq $n | md5sum)
    got=$(seq $n | cat | sed 's/^/x/' | dd bs=777 2>/dev/null | tr -d x | sort -n | tac | sort -n |
          tee /dev/null | md5sum)
    [ "$got" = "$want" ] || fail "$n lines: $got, not $want"
    yes | head -n 5000 | wc -l | grep -q '^ *5000$' || fail "yes into head"
    got=$(seq $n | (head -n 1 >/dev/null; cat >/dev/null; echo end))
    [ "$got" = end ] || fail "a reader that leaves early"
done
