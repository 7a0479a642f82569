package plan

import "github.com/comfyui-studio/comfyui-studio/functions/compose-comfyui/kit"

// The keys of part modelsync: bucket, queue, Lambda, SSM document, and the order
// that nodes copy declared models in.
const (
	SyncQueue          kit.Key = "modelsync-queue"
	SyncDeadLetters    kit.Key = "modelsync-dead-letters"
	SyncQueuePolicy    kit.Key = "modelsync-queue-policy"
	SyncNotification   kit.Key = "modelsync-notification"
	SyncFunctionRole   kit.Key = "modelsync-function-role"
	SyncFunctionPolicy kit.Key = "modelsync-function-policy"
	SyncFunctionLogs   kit.Key = "modelsync-function-logs"
	SyncFunction       kit.Key = "modelsync-function"
	SyncEventSource    kit.Key = "modelsync-event-source"
	SyncDocument       kit.Key = "modelsync-document"
	SyncOrder          kit.Key = "modelsync-order"
)

func modelSyncKeys() []kit.Key {
	return []kit.Key{
		SyncQueue, SyncDeadLetters, SyncQueuePolicy, SyncNotification, SyncFunctionRole, SyncFunctionPolicy,
		SyncFunctionLogs, SyncFunction, SyncEventSource, SyncDocument, SyncOrder,
	}
}
