-- title: Inactive users
-- description: Users without a session in the window, those who never came included: the last to leave first, those
-- description: who never came at the end. Accounts that were opened after the window are left out.
with seen as (
    select user_id,
           substr(max(replace(cast(started_at as text), 'T', ' ')), 1, 19) as last_session_at,
           count(*) as sessions
    from coaching_sessions
    -- What is earlier as it is written is earlier; only the others are worth a closer look.
    where started_at < :start or replace(cast(started_at as text), 'T', ' ') < :end
    group by user_id
)
select u.user_id,
       u.role,
       u.english_level,
       u.created_at,
       s.last_session_at,
       coalesce(s.sessions, 0) as sessions,
       case when s.user_id is null then 'never came' else 'inactive' end as state
from users as u
left join seen as s on s.user_id = u.user_id
where (s.last_session_at is null or s.last_session_at < :start)
  and (u.created_at is null or u.created_at < :start or replace(cast(u.created_at as text), 'T', ' ') < :end)
order by case when s.user_id is null then 1 else 0 end, s.last_session_at desc, u.user_id
