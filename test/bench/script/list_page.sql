SELECT repository_id, namespace, name, can_write, can_admin FROM quay.repository_list_visible('viewer', after => :after);
