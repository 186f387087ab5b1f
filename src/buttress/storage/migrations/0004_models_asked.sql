-- A call may ask for a model by its name, without a feature.
alter table traces add column kind text not null default 'feature';
