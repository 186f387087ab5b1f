-- Answers that are still good.
select 1;
