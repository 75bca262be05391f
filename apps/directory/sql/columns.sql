-- Fragment: what a list shows of the person `u`.
u.id, u.username, u.display_name, u.bio, u.avatar, u.face, u.is_private
