\set payer random(1, 20000)
\set merchant random(1, 111)
SELECT feiqian_bench.pay(CASE WHEN :merchant > 100 THEN 1 ELSE :merchant END, 'P' || nextval('feiqian_bench.numbers'), :payer, 100);
