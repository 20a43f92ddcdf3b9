# A child that answers through a pipe, and a substitution.
use strict;
use warnings;

pipe(my $read, my $write) or die;
my $pid = fork();
if ($pid == 0) {
    my $sum = 0;
    $sum += $_ for 1 .. 3;
    print $write "child $sum\n";
    exit 3;
}
close $write;
print <$read>;
waitpid($pid, 0);
print "reaped ", $? >> 8, "\n";
(my $text = "quick fox") =~ s/(\w+) (\w+)/$2 $1/;
print "$text\n";
