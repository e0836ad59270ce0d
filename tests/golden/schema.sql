CREATE INDEX ix_alert_run_id_id ON alert (run_id, id);
CREATE INDEX ix_baseline_member_run_id ON baseline_member (run_id);
CREATE INDEX ix_block_sample_run_id_id ON block_sample (run_id, id);
CREATE INDEX ix_gpu_sample_run_id_id ON gpu_sample (run_id, id);
CREATE INDEX ix_metric_name_scope_run_id ON metric (name, scope, run_id);
CREATE INDEX ix_run_accuracy_key_status_started_at_us ON run (accuracy_key, status, started_at_us);
CREATE INDEX ix_run_event_run_id_id ON run_event (run_id, id);
CREATE INDEX ix_run_group_id ON run (group_id);
CREATE INDEX ix_run_name ON run (name);
CREATE INDEX ix_run_perf_key_status_started_at_us ON run (perf_key, status, started_at_us);
CREATE INDEX ix_run_status ON run (status);
CREATE INDEX ix_run_tag_key_value ON run_tag ("key", value);
CREATE INDEX ix_similarity_sample_run_id_id ON similarity_sample (run_id, id);
CREATE UNIQUE INDEX uq_baseline_active ON baseline (name, key_kind, "key") WHERE retired_at_us IS NULL;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE alert (
	id INTEGER NOT NULL,
	run_id INTEGER NOT NULL,
	at_us INTEGER NOT NULL,
	kind TEXT NOT NULL,
	severity TEXT NOT NULL,
	message TEXT NOT NULL,
	stratum TEXT,
	seq_idx INTEGER,
	sequence_id TEXT,
	block INTEGER,
	pack INTEGER,
	layer TEXT,
	CONSTRAINT pk_alert PRIMARY KEY (id),
	CONSTRAINT ck_alert_severity CHECK (severity IN ('info', 'warn', 'fail')),
	CONSTRAINT fk_alert_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
)
 STRICT;
CREATE TABLE baseline (
	id INTEGER NOT NULL,
	name TEXT NOT NULL,
	key_kind TEXT NOT NULL,
	"key" TEXT NOT NULL,
	reason TEXT NOT NULL,
	run_uuids_json TEXT NOT NULL,
	created_at_us INTEGER NOT NULL,
	created_by TEXT NOT NULL,
	retired_at_us INTEGER,
	retired_reason TEXT,
	CONSTRAINT pk_baseline PRIMARY KEY (id),
	CONSTRAINT ck_baseline_key_kind CHECK (key_kind IN ('accuracy', 'perf')),
	CONSTRAINT ck_baseline_retired_with_a_reason CHECK ((retired_at_us IS NULL) = (retired_reason IS NULL)),
	CONSTRAINT ck_baseline_run_uuids_json_is_json CHECK (run_uuids_json IS NULL OR json_valid(run_uuids_json))
)
 STRICT;
CREATE TABLE baseline_member (
	baseline_id INTEGER NOT NULL,
	run_id INTEGER NOT NULL,
	CONSTRAINT pk_baseline_member PRIMARY KEY (baseline_id, run_id),
	CONSTRAINT fk_baseline_member_baseline_id_baseline FOREIGN KEY(baseline_id) REFERENCES baseline (id) ON DELETE CASCADE,
	CONSTRAINT fk_baseline_member_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE RESTRICT
)
 WITHOUT ROWID,
 STRICT;
CREATE TABLE block_sample (
	id INTEGER NOT NULL,
	run_id INTEGER NOT NULL,
	at_us INTEGER NOT NULL,
	block INTEGER NOT NULL,
	arm TEXT NOT NULL,
	stratum TEXT NOT NULL,
	sequences INTEGER NOT NULL,
	tokens INTEGER NOT NULL,
	encode_s REAL NOT NULL,
	wall_s REAL NOT NULL,
	is_warmup INTEGER NOT NULL,
	CONSTRAINT pk_block_sample PRIMARY KEY (id),
	CONSTRAINT ck_block_sample_arm CHECK (arm IN ('reference', 'candidate')),
	CONSTRAINT fk_block_sample_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
)
 STRICT;
CREATE TABLE dataset (
	id INTEGER NOT NULL,
	sha256 TEXT NOT NULL,
	name TEXT NOT NULL,
	n_total INTEGER NOT NULL,
	n_short INTEGER NOT NULL,
	n_medium INTEGER NOT NULL,
	n_long INTEGER NOT NULL,
	cuts_json TEXT NOT NULL,
	sampler_seed INTEGER,
	source_uri TEXT,
	manifest_json TEXT NOT NULL,
	CONSTRAINT pk_dataset PRIMARY KEY (id),
	CONSTRAINT uq_dataset_sha256_cuts_json UNIQUE (sha256, cuts_json),
	CONSTRAINT ck_dataset_strata_add_up CHECK (n_total = n_short + n_medium + n_long),
	CONSTRAINT ck_dataset_cuts_json_is_json CHECK (cuts_json IS NULL OR json_valid(cuts_json)),
	CONSTRAINT ck_dataset_manifest_json_is_json CHECK (manifest_json IS NULL OR json_valid(manifest_json))
)
 STRICT;
CREATE TABLE environment (
	id INTEGER NOT NULL,
	perf_fingerprint TEXT NOT NULL,
	gpu_name TEXT,
	compute_capability TEXT,
	power_limit_w REAL,
	driver TEXT,
	cuda TEXT,
	cudnn TEXT,
	torch TEXT NOT NULL,
	transformers TEXT,
	flash_attn TEXT,
	python TEXT,
	sqlite TEXT,
	cpu_model TEXT,
	cores INTEGER,
	os TEXT,
	facts_json TEXT NOT NULL,
	created_at_us INTEGER NOT NULL,
	CONSTRAINT pk_environment PRIMARY KEY (id),
	CONSTRAINT ck_environment_facts_json_is_json CHECK (facts_json IS NULL OR json_valid(facts_json)),
	CONSTRAINT uq_environment_perf_fingerprint UNIQUE (perf_fingerprint)
)
 STRICT;
CREATE TABLE gpu_sample (
	id INTEGER NOT NULL,
	run_id INTEGER NOT NULL,
	at_us INTEGER NOT NULL,
	utilization REAL,
	memory_used_mib REAL,
	memory_total_mib REAL,
	power_w REAL,
	power_limit_w REAL,
	sm_clock_mhz REAL,
	temperature_c REAL,
	throttle_reasons INTEGER NOT NULL,
	sm_active REAL,
	tensor_active REAL,
	dram_active REAL,
	other_processes INTEGER,
	CONSTRAINT pk_gpu_sample PRIMARY KEY (id),
	CONSTRAINT fk_gpu_sample_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
)
 STRICT;
CREATE TABLE metric (
	run_id INTEGER NOT NULL,
	name TEXT NOT NULL,
	scope TEXT NOT NULL,
	value REAL,
	n INTEGER NOT NULL,
	nonfinite INTEGER NOT NULL,
	ci_lo REAL,
	ci_hi REAL,
	CONSTRAINT pk_metric PRIMARY KEY (run_id, name, scope),
	CONSTRAINT ck_metric_missing_has_a_reason CHECK (value IS NOT NULL OR nonfinite > 0 OR n = 0),
	CONSTRAINT fk_metric_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
)
 WITHOUT ROWID,
 STRICT;
CREATE TABLE model_artifact (
	id INTEGER NOT NULL,
	repo_id TEXT NOT NULL,
	revision TEXT DEFAULT '' NOT NULL,
	weights_sha256 TEXT NOT NULL,
	tokenizer TEXT,
	arch TEXT NOT NULL,
	n_params INTEGER,
	CONSTRAINT pk_model_artifact PRIMARY KEY (id),
	CONSTRAINT uq_model_artifact_repo_id_revision_weights_sha256 UNIQUE (repo_id, revision, weights_sha256)
)
 STRICT;
CREATE TABLE run (
	id INTEGER NOT NULL,
	uuid TEXT NOT NULL,
	name TEXT,
	note TEXT,
	status TEXT NOT NULL,
	status_reason TEXT,
	exit_code INTEGER,
	phase TEXT DEFAULT '' NOT NULL,
	model TEXT NOT NULL,
	input TEXT NOT NULL,
	precision TEXT NOT NULL,
	precision_reason TEXT,
	reference TEXT NOT NULL,
	group_id INTEGER,
	repeat_idx INTEGER,
	model_id INTEGER,
	dataset_id INTEGER,
	environment_id INTEGER,
	accuracy_key TEXT,
	perf_key TEXT,
	device TEXT,
	done INTEGER DEFAULT 0 NOT NULL,
	total INTEGER DEFAULT 0 NOT NULL,
	eta_s REAL,
	verdict TEXT,
	sentence TEXT,
	speed_verdict TEXT,
	speedup REAL,
	end_to_end_speedup REAL,
	perf_valid INTEGER,
	perf_invalid_reason TEXT,
	clock_suspect INTEGER,
	host TEXT NOT NULL,
	boot_id TEXT NOT NULL,
	worker_pid INTEGER,
	worker_start_ticks INTEGER,
	created_at_us INTEGER NOT NULL,
	started_at_us INTEGER,
	heartbeat_at_us INTEGER,
	ended_at_us INTEGER,
	archived_at_us INTEGER,
	config_json TEXT NOT NULL,
	accuracy_facts_json TEXT,
	perf_facts_json TEXT,
	dataset_json TEXT,
	model_json TEXT,
	environment_json TEXT,
	findings_json TEXT,
	arms_json TEXT,
	speedup_json TEXT,
	measures_json TEXT,
	CONSTRAINT pk_run PRIMARY KEY (id),
	CONSTRAINT uq_run_group_id_precision_model_repeat_idx UNIQUE (group_id, precision, model, repeat_idx),
	CONSTRAINT ck_run_status CHECK (status IN ('queued', 'starting', 'running', 'completed', 'failed', 'cancelled', 'interrupted')),
	CONSTRAINT ck_run_ended_when_terminal CHECK ((status IN ('completed', 'failed', 'cancelled', 'interrupted')) = (ended_at_us IS NOT NULL)),
	CONSTRAINT ck_run_done_within_total CHECK (done <= total),
	CONSTRAINT ck_run_verdict CHECK (verdict IN ('PASS', 'WARN', 'FAIL', 'INVALID')),
	CONSTRAINT ck_run_perf_valid CHECK (perf_valid IN (0, 1)),
	CONSTRAINT ck_run_clock_suspect CHECK (clock_suspect IN (0, 1)),
	CONSTRAINT ck_run_config_json_is_json CHECK (config_json IS NULL OR json_valid(config_json)),
	CONSTRAINT ck_run_accuracy_facts_json_is_json CHECK (accuracy_facts_json IS NULL OR json_valid(accuracy_facts_json)),
	CONSTRAINT ck_run_perf_facts_json_is_json CHECK (perf_facts_json IS NULL OR json_valid(perf_facts_json)),
	CONSTRAINT ck_run_dataset_json_is_json CHECK (dataset_json IS NULL OR json_valid(dataset_json)),
	CONSTRAINT ck_run_model_json_is_json CHECK (model_json IS NULL OR json_valid(model_json)),
	CONSTRAINT ck_run_environment_json_is_json CHECK (environment_json IS NULL OR json_valid(environment_json)),
	CONSTRAINT ck_run_findings_json_is_json CHECK (findings_json IS NULL OR json_valid(findings_json)),
	CONSTRAINT ck_run_arms_json_is_json CHECK (arms_json IS NULL OR json_valid(arms_json)),
	CONSTRAINT ck_run_speedup_json_is_json CHECK (speedup_json IS NULL OR json_valid(speedup_json)),
	CONSTRAINT ck_run_measures_json_is_json CHECK (measures_json IS NULL OR json_valid(measures_json)),
	CONSTRAINT uq_run_uuid UNIQUE (uuid),
	CONSTRAINT fk_run_group_id_run_group FOREIGN KEY(group_id) REFERENCES run_group (id) ON DELETE RESTRICT,
	CONSTRAINT fk_run_model_id_model_artifact FOREIGN KEY(model_id) REFERENCES model_artifact (id) ON DELETE RESTRICT,
	CONSTRAINT fk_run_dataset_id_dataset FOREIGN KEY(dataset_id) REFERENCES dataset (id) ON DELETE RESTRICT,
	CONSTRAINT fk_run_environment_id_environment FOREIGN KEY(environment_id) REFERENCES environment (id) ON DELETE RESTRICT
)
 STRICT;
CREATE TABLE run_event (
	id INTEGER NOT NULL,
	run_id INTEGER NOT NULL,
	at_us INTEGER NOT NULL,
	from_status TEXT,
	to_status TEXT NOT NULL,
	actor TEXT NOT NULL,
	reason TEXT,
	CONSTRAINT pk_run_event PRIMARY KEY (id),
	CONSTRAINT fk_run_event_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
)
 STRICT;
CREATE TABLE run_group (
	id INTEGER NOT NULL,
	uuid TEXT NOT NULL,
	kind TEXT NOT NULL,
	label TEXT,
	repeats INTEGER NOT NULL,
	order_json TEXT NOT NULL,
	note TEXT,
	created_at_us INTEGER NOT NULL,
	CONSTRAINT pk_run_group PRIMARY KEY (id),
	CONSTRAINT ck_run_group_kind CHECK (kind IN ('validate', 'aa_calibration')),
	CONSTRAINT ck_run_group_repeats CHECK (repeats > 0),
	CONSTRAINT ck_run_group_order_json_is_json CHECK (order_json IS NULL OR json_valid(order_json)),
	CONSTRAINT uq_run_group_uuid UNIQUE (uuid)
)
 STRICT;
CREATE TABLE run_progress (
	run_id INTEGER NOT NULL,
	step INTEGER NOT NULL,
	steps INTEGER NOT NULL,
	name TEXT NOT NULL,
	done INTEGER NOT NULL,
	total INTEGER NOT NULL,
	fraction REAL NOT NULL,
	seconds_json TEXT,
	CONSTRAINT pk_run_progress PRIMARY KEY (run_id),
	CONSTRAINT ck_run_progress_seconds_json_is_json CHECK (seconds_json IS NULL OR json_valid(seconds_json)),
	CONSTRAINT fk_run_progress_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
)
 WITHOUT ROWID,
 STRICT;
CREATE TABLE run_tag (
	run_id INTEGER NOT NULL,
	"key" TEXT NOT NULL,
	value TEXT NOT NULL,
	CONSTRAINT pk_run_tag PRIMARY KEY (run_id, "key"),
	CONSTRAINT fk_run_tag_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
)
 WITHOUT ROWID,
 STRICT;
CREATE TABLE sequence_result (
	run_id INTEGER NOT NULL,
	seq_idx INTEGER NOT NULL,
	sequence_id TEXT NOT NULL,
	stratum TEXT NOT NULL,
	num_tokens INTEGER NOT NULL,
	cosine REAL,
	relative_l2 REAL,
	norm_ratio REAL,
	nan_count INTEGER NOT NULL,
	inf_count INTEGER NOT NULL,
	seq_hash INTEGER NOT NULL,
	CONSTRAINT pk_sequence_result PRIMARY KEY (run_id, seq_idx),
	CONSTRAINT ck_sequence_result_cosine CHECK (cosine BETWEEN -1.0001 AND 1.0001),
	CONSTRAINT fk_sequence_result_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
)
 WITHOUT ROWID,
 STRICT;
CREATE TABLE similarity_sample (
	id INTEGER NOT NULL,
	run_id INTEGER NOT NULL,
	at_us INTEGER NOT NULL,
	block INTEGER NOT NULL,
	stratum TEXT NOT NULL,
	sequences INTEGER NOT NULL,
	cosine_min REAL,
	CONSTRAINT pk_similarity_sample PRIMARY KEY (id),
	CONSTRAINT fk_similarity_sample_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
)
 STRICT;
CREATE TABLE stratum (
	run_id INTEGER NOT NULL,
	scope TEXT NOT NULL,
	planned INTEGER NOT NULL,
	n INTEGER NOT NULL,
	tokens INTEGER NOT NULL,
	cosine_min REAL,
	cosine_p01 REAL,
	cosine_mean REAL,
	below INTEGER NOT NULL,
	nan INTEGER NOT NULL,
	inf INTEGER NOT NULL,
	relative_l2_p99 REAL,
	norm_ratio_worst REAL,
	reference_tokens_per_s REAL,
	candidate_tokens_per_s REAL,
	speedup REAL,
	CONSTRAINT pk_stratum PRIMARY KEY (run_id, scope),
	CONSTRAINT ck_stratum_scope CHECK (scope IN ('short', 'medium', 'long', 'all')),
	CONSTRAINT ck_stratum_n_within_planned CHECK (n <= planned),
	CONSTRAINT fk_stratum_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
)
 WITHOUT ROWID,
 STRICT;
