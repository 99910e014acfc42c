-- title: Sessions by hour
-- description: When people practise: sessions that started in the window, finished or not, by the hour of the day
-- description: in UTC, with the average confidence score and the share of them that was finished, in percent.
select cast(substr(cast(started_at as text), 12, 2) as integer) as hour_utc,
       count(*) as sessions,
       count(distinct user_id) as users,
       avg(confidence_score) as avg_confidence,
       100.0 * sum(case when ended_at is null or cast(ended_at as text) = '' then 0 else 1 end) / count(*) as finished_percent
from coaching_sessions
where started_at >= :start
  and replace(cast(started_at as text), 'T', ' ') >= :start
  -- What is earlier as it is written is earlier; only the others are worth a closer look.
  and (started_at < :end or replace(cast(started_at as text), 'T', ' ') < :end)
group by 1
order by 1
