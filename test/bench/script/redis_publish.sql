SELECT quay.event_publish('bench', 'docker-cli', '{"action": "push_repo", "repository": "app"}');
