-- title: Mistakes by level
-- description: How often each kind of mistake was made in the window by the users of each English level, as it is
-- description: today, and by how many of them. Mistakes without a text are left out.
select coalesce(nullif(trim(u.english_level), ''), 'unknown') as english_level,
       coalesce(nullif(trim(d.error_type), ''), 'unknown') as error_type,
       coalesce(nullif(trim(d.error_category), ''), 'uncategorised') as error_category,
       count(*) as mistakes,
       count(distinct d.user_id) as users
from detected_errors as d
left join users as u on u.user_id = d.user_id
where d.detected_at >= :start
  and replace(substr(cast(d.detected_at as text), 1, 19), 'T', ' ') >= :start
  and replace(substr(cast(d.detected_at as text), 1, 19), 'T', ' ') < :end
  and trim(d.error_text, ' 	
') <> ''
group by 1, 2, 3
order by 1, 4 desc, 2, 3
