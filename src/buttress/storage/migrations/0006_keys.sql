-- Keys, and what was answered to requests that name an Idempotency-Key.
select 1;
