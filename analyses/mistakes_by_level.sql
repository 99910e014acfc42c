-- title: Mistakes by level
-- description: How often each kind of mistake was made in the window by the users of each English level, as it is
-- description: today, and by how many of them. Mistakes without a text are left out.
with made as (
    select d.user_id, d.error_type, d.error_category, count(*) as mistakes
    from detected_errors as d
    where d.detected_at >= :start
      and replace(cast(d.detected_at as text), 'T', ' ') >= :start
      -- What is earlier as it is written is earlier; only the others are worth a closer look.
      and (d.detected_at < :end or replace(cast(d.detected_at as text), 'T', ' ') < :end)
      and trim(d.error_text, ' 	
') <> ''
    group by 1, 2, 3
)
select coalesce(nullif(trim(u.english_level), ''), 'unknown') as english_level,
       coalesce(nullif(trim(m.error_type), ''), 'unknown') as error_type,
       coalesce(nullif(trim(m.error_category), ''), 'uncategorised') as error_category,
       cast(sum(m.mistakes) as bigint) as mistakes,
       count(distinct m.user_id) as users
from made as m
left join users as u on u.user_id = m.user_id
group by 1, 2, 3
order by 1, 4 desc, 2, 3
