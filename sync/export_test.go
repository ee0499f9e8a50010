package syncer

// HostsKnown is how many hosts a worker remembers.
func (w *Worker) HostsKnown() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.hosts)
}
