package fetch

// buffers keeps buffers of parts for the next, so that the window's memory is
// taken once and not left to the garbage collector.
type buffers chan []byte

func (b buffers) get(size int64) []byte {
	select {
	case p := <-b:
		if int64(cap(p)) >= size {
			return p[:size]
		}
	default:
	}

	return make([]byte, size)
}

func (b buffers) put(p []byte) {
	select {
	case b <- p:
	default:
	}
}
