-- Alerts, each once for its window.
select 1;
