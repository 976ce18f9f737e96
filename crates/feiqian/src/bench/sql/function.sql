\set payer random(1, 20000)
\set merchant random(1, 111)
\set number random(1, 1000000000000000)
SELECT feiqian_bench.pay(CASE WHEN :merchant > 100 THEN 1 ELSE :merchant END, 'P' || :number::bigint, :payer, 100);
