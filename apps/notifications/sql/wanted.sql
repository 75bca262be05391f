-- Fragment: whether the person `p` wants to be told at all.
-- index: none, the person is already read
p.is_active
