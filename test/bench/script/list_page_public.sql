SELECT repository_id, namespace, name, can_write, can_admin FROM quay.repository_list_visible('viewer', include_public => true, after => :after);
