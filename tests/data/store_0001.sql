PRAGMA application_id=1448105045;
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
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
        CONSTRAINT pk_alert PRIMARY KEY (id),
        CONSTRAINT ck_alert_severity CHECK (severity IN ('info', 'warn', 'fail')),
        CONSTRAINT fk_alert_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
     STRICT;
INSERT INTO "alert" VALUES(1,1,4,'input','info','1 lower-case letter was read as upper case',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "alert" VALUES(2,2,4,'input','info','1 lower-case letter was read as upper case',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "alert" VALUES(3,3,4,'input','info','1 lower-case letter was read as upper case',NULL,NULL,NULL,NULL,NULL);
INSERT INTO "alert" VALUES(4,3,4,'nan','fail','has 3 NaN','short',0,'protein0',0,0);
INSERT INTO "alert" VALUES(5,4,4,'input','info','1 lower-case letter was read as upper case',NULL,NULL,NULL,NULL,NULL);
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
INSERT INTO "block_sample" VALUES(1,1,1,0,'reference','short',10,500,0.5,0.6,1);
INSERT INTO "block_sample" VALUES(2,1,1,0,'reference','short',10,500,0.5,0.6,0);
INSERT INTO "block_sample" VALUES(3,1,1,0,'candidate','short',10,500,0.5,0.6,0);
INSERT INTO "block_sample" VALUES(4,1,1,1,'reference','short',10,500,0.5,0.6,0);
INSERT INTO "block_sample" VALUES(5,1,1,1,'candidate','short',10,500,0.5,0.6,0);
INSERT INTO "block_sample" VALUES(6,2,1,0,'reference','short',10,500,0.5,0.6,1);
INSERT INTO "block_sample" VALUES(7,2,1,0,'reference','short',10,500,0.5,0.6,0);
INSERT INTO "block_sample" VALUES(8,2,1,0,'candidate','short',10,500,0.5,0.6,0);
INSERT INTO "block_sample" VALUES(9,2,1,1,'reference','short',10,500,0.5,0.6,0);
INSERT INTO "block_sample" VALUES(10,2,1,1,'candidate','short',10,500,0.5,0.6,0);
INSERT INTO "block_sample" VALUES(11,3,1,0,'reference','short',10,500,0.5,0.6,1);
INSERT INTO "block_sample" VALUES(12,3,1,0,'reference','short',10,500,0.5,0.6,0);
INSERT INTO "block_sample" VALUES(13,3,1,0,'candidate','short',10,500,0.5,0.6,0);
INSERT INTO "block_sample" VALUES(14,3,1,1,'reference','short',10,500,0.5,0.6,0);
INSERT INTO "block_sample" VALUES(15,3,1,1,'candidate','short',10,500,0.5,0.6,0);
INSERT INTO "block_sample" VALUES(16,4,1,0,'reference','short',10,500,0.5,0.6,1);
INSERT INTO "block_sample" VALUES(17,4,1,0,'reference','short',10,500,0.5,0.6,0);
INSERT INTO "block_sample" VALUES(18,4,1,0,'candidate','short',10,500,0.5,0.6,0);
INSERT INTO "block_sample" VALUES(19,4,1,1,'reference','short',10,500,0.5,0.6,0);
INSERT INTO "block_sample" VALUES(20,4,1,1,'candidate','short',10,500,0.5,0.6,0);
INSERT INTO "block_sample" VALUES(21,5,1,0,'reference','short',10,500,0.5,0.6,0);
INSERT INTO "block_sample" VALUES(22,7,1,0,'reference','short',10,500,0.5,0.6,0);
INSERT INTO "block_sample" VALUES(23,8,1,0,'reference','short',10,500,0.5,0.6,0);
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
        CONSTRAINT pk_gpu_sample PRIMARY KEY (id),
        CONSTRAINT fk_gpu_sample_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
     STRICT;
INSERT INTO "gpu_sample" VALUES(1,4,10,90.0,1000.0,80000.0,300.0,700.0,1900.0,55.0,0);
INSERT INTO "gpu_sample" VALUES(2,4,11,NULL,1000.0,80000.0,300.0,700.0,1900.0,55.0,0);
CREATE TABLE run (
        id INTEGER NOT NULL,
        uuid TEXT NOT NULL,
        name TEXT,
        status TEXT NOT NULL,
        status_reason TEXT,
        error_type TEXT,
        exit_code INTEGER,
        phase TEXT DEFAULT '' NOT NULL,
        model TEXT NOT NULL,
        input TEXT NOT NULL,
        precision TEXT NOT NULL,
        precision_reason TEXT,
        reference TEXT NOT NULL,
        config_json TEXT NOT NULL,
        dataset_json TEXT,
        model_json TEXT,
        environment_json TEXT,
        device TEXT,
        done INTEGER DEFAULT 0 NOT NULL,
        total INTEGER DEFAULT 0 NOT NULL,
        eta_s REAL,
        verdict TEXT,
        sentence TEXT,
        speed_verdict TEXT,
        speedup REAL,
        end_to_end_speedup REAL,
        findings_json TEXT,
        arms_json TEXT,
        speedup_json TEXT,
        measures_json TEXT,
        host TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        worker_pid INTEGER,
        worker_start_ticks INTEGER,
        created_at_us INTEGER NOT NULL,
        started_at_us INTEGER,
        heartbeat_at_us INTEGER,
        ended_at_us INTEGER,
        CONSTRAINT pk_run PRIMARY KEY (id),
        CONSTRAINT ck_run_status CHECK (status IN ('queued', 'starting', 'running', 'completed', 'failed', 'cancelled', 'interrupted')),
        CONSTRAINT ck_run_ended_when_terminal CHECK ((status IN ('completed', 'failed', 'cancelled', 'interrupted')) = (ended_at_us IS NOT NULL)),
        CONSTRAINT ck_run_done_within_total CHECK (done <= total),
        CONSTRAINT ck_run_verdict CHECK (verdict IN ('PASS', 'WARN', 'FAIL', 'INVALID')),
        CONSTRAINT ck_run_config_json_is_json CHECK (config_json IS NULL OR json_valid(config_json)),
        CONSTRAINT ck_run_dataset_json_is_json CHECK (dataset_json IS NULL OR json_valid(dataset_json)),
        CONSTRAINT ck_run_model_json_is_json CHECK (model_json IS NULL OR json_valid(model_json)),
        CONSTRAINT ck_run_environment_json_is_json CHECK (environment_json IS NULL OR json_valid(environment_json)),
        CONSTRAINT ck_run_findings_json_is_json CHECK (findings_json IS NULL OR json_valid(findings_json)),
        CONSTRAINT ck_run_arms_json_is_json CHECK (arms_json IS NULL OR json_valid(arms_json)),
        CONSTRAINT ck_run_speedup_json_is_json CHECK (speedup_json IS NULL OR json_valid(speedup_json)),
        CONSTRAINT ck_run_measures_json_is_json CHECK (measures_json IS NULL OR json_valid(measures_json)),
        CONSTRAINT uq_run_uuid UNIQUE (uuid)
    )
     STRICT;
INSERT INTO "run" VALUES(1,'11111111111111111111111111111111','first','completed','fp16 is safe here',NULL,0,'done','esm2-8m','/data/reads.faa','fp16',NULL,'fp32','{"attention":"auto","device":"auto","fp32_compare":false,"gates":"mission","input":"/data/reads.faa","model":"esm2-8m","name":"first","precision":"fp16","precision_reason":null,"precision_requested":null,"reference":"fp32","sample":10000,"seed":0,"strata":null,"tags":{"gpu":"none","who":"me"},"token_budget":"auto","trust_remote_code":false}','{"alphabet": "protein", "cuts": [64, 128], "lower_case": 0, "n": 12, "n_file": 40, "name": "reads.faa", "path": "/data/reads.faa", "renamed": 0, "rna": 0, "seed": 0, "sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "strata": {"long": 4, "medium": 4, "short": 4}, "tokenizer": "esm2", "tokens": 1200, "truncated": 0, "unknown_letters": {}}','{"alphabet": "protein", "given": "esm2-8m", "heads": 20, "hidden": 320, "kind": "esm2", "layers": 6, "max_residues": 1022, "name": "esm2-8m", "parameters": 7511801, "pooling": "residues", "revision": null, "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"attention": {"candidate": "sdpa", "reference": "sdpa"}, "cores": 2, "cuda": null, "device": "cpu", "device_name": "x86_64", "device_reason": "asked for", "flags": {"candidate": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}}, "os": "Linux-6.1-x86_64", "python": "3.11.7", "schedule": "both arms resident, ABBA", "sqlite": "3.40.1", "threads": 1, "token_budget": 4096, "token_budget_reason": "asked for", "torch": "2.13.0+cpu", "vp_tui": "0.1.0"}','cpu',12,12,NULL,'PASS','fp16 is safe here','PASS',2.0,1.9,'[]','{"candidate": {"attention_kernel": "sdpa", "attention_reason": "auto: float32 on cpu always takes sdpa", "cached": false, "end_to_end_seconds": 2.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp16", "seconds": 1.5, "tokens_per_s": 2000.0}, "reference": {"attention_kernel": "sdpa", "attention_reason": "auto: float32 on cpu always takes sdpa", "cached": false, "end_to_end_seconds": 2.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp32", "seconds": 1.5, "tokens_per_s": 1000.0}}','{"ci95": [1.8, 2.2], "end_to_end": 1.9, "reason": "speed: 2.00x", "tokens_per_s": 2.0, "verdict": "PASS"}','{"M1": {"below": 0, "min": 0.99998, "p01": 0.99999}, "M4": {"relative_l2_p99": 0.001}, "M5": {"norm_ratio_worst": 1.0005}, "V1": {"inf": 0, "nan": 0}, "dominant_dimension": {"index": 3, "share": 0.81}, "gpu_utilization_mean": null, "weights": {"largest": 3.5}}','host-a','boot-a',4001,1001,1795000060000000,1795000061000000,1795000080000000,1795000080000000);
INSERT INTO "run" VALUES(2,'22222222222222222222222222222222','second','completed','fp16 is safe here',NULL,0,'done','esm2-8m','/data/reads.faa','fp16',NULL,'fp32','{"attention":"auto","device":"auto","fp32_compare":false,"gates":"mission","input":"/data/reads.faa","model":"esm2-8m","name":"second","precision":"fp16","precision_reason":null,"precision_requested":null,"reference":"fp32","sample":10000,"seed":0,"strata":null,"tags":{},"token_budget":"auto","trust_remote_code":false}','{"alphabet": "protein", "cuts": [64, 128], "lower_case": 0, "n": 12, "n_file": 40, "name": "reads.faa", "path": "/data/reads.faa", "renamed": 0, "rna": 0, "seed": 0, "sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "strata": {"long": 4, "medium": 4, "short": 4}, "tokenizer": "esm2", "tokens": 1200, "truncated": 0, "unknown_letters": {}}','{"alphabet": "protein", "given": "esm2-8m", "heads": 20, "hidden": 320, "kind": "esm2", "layers": 6, "max_residues": 1022, "name": "esm2-8m", "parameters": 7511801, "pooling": "residues", "revision": null, "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"attention": {"candidate": "sdpa", "reference": "sdpa"}, "cores": 2, "cuda": null, "device": "cpu", "device_name": "x86_64", "device_reason": "asked for", "flags": {"candidate": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}}, "os": "Linux-6.1-x86_64", "python": "3.11.7", "schedule": "both arms resident, ABBA", "sqlite": "3.40.1", "threads": 1, "token_budget": 4096, "token_budget_reason": "asked for", "torch": "2.13.0+cpu", "vp_tui": "0.1.0"}','cpu',12,12,NULL,'PASS','fp16 is safe here','PASS',2.0,1.9,'[]','{"candidate": {"attention_kernel": "sdpa", "attention_reason": "auto: float32 on cpu always takes sdpa", "cached": false, "end_to_end_seconds": 2.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp16", "seconds": 1.5, "tokens_per_s": 2000.0}, "reference": {"attention_kernel": "sdpa", "attention_reason": "auto: float32 on cpu always takes sdpa", "cached": false, "end_to_end_seconds": 2.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp32", "seconds": 1.5, "tokens_per_s": 1000.0}}','{"ci95": [1.8, 2.2], "end_to_end": 1.9, "reason": "speed: 2.00x", "tokens_per_s": 2.0, "verdict": "PASS"}','{"M1": {"below": 0, "min": 0.99998, "p01": 0.99999}, "M4": {"relative_l2_p99": 0.001}, "M5": {"norm_ratio_worst": 1.0005}, "V1": {"inf": 0, "nan": 0}, "dominant_dimension": {"index": 3, "share": 0.81}, "gpu_utilization_mean": null, "weights": {"largest": 3.5}}','host-a','boot-a',4002,1002,1795000120000000,1795000121000000,1795000140000000,1795000140000000);
INSERT INTO "run" VALUES(3,'33333333333333333333333333333333','broken','completed','fp16 is not safe here',NULL,4,'done','esm2-8m','/data/reads.faa','fp16',NULL,'fp32','{"attention":"auto","device":"auto","fp32_compare":false,"gates":"mission","input":"/data/reads.faa","model":"esm2-8m","name":"broken","precision":"fp16","precision_reason":null,"precision_requested":null,"reference":"fp32","sample":10000,"seed":0,"strata":null,"tags":{},"token_budget":"auto","trust_remote_code":false}','{"alphabet": "protein", "cuts": [64, 128], "lower_case": 0, "n": 12, "n_file": 40, "name": "reads.faa", "path": "/data/reads.faa", "renamed": 0, "rna": 0, "seed": 0, "sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "strata": {"long": 4, "medium": 4, "short": 4}, "tokenizer": "esm2", "tokens": 1200, "truncated": 0, "unknown_letters": {}}','{"alphabet": "protein", "given": "esm2-8m", "heads": 20, "hidden": 320, "kind": "esm2", "layers": 6, "max_residues": 1022, "name": "esm2-8m", "parameters": 7511801, "pooling": "residues", "revision": null, "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"attention": {"candidate": "sdpa", "reference": "sdpa"}, "cores": 2, "cuda": null, "device": "cpu", "device_name": "x86_64", "device_reason": "asked for", "flags": {"candidate": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}}, "os": "Linux-6.1-x86_64", "python": "3.11.7", "schedule": "both arms resident, ABBA", "sqlite": "3.40.1", "threads": 1, "token_budget": 4096, "token_budget_reason": "asked for", "torch": "2.13.0+cpu", "vp_tui": "0.1.0"}','cpu',12,12,NULL,'FAIL','fp16 is not safe here','PASS',2.0,1.9,'[{"gate": "V1", "limit": 0.0, "severity": "fail", "stratum": "long", "text": "too low", "value": 2.0}]','{"candidate": {"attention_kernel": "sdpa", "attention_reason": "auto: float32 on cpu always takes sdpa", "cached": false, "end_to_end_seconds": 2.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp16", "seconds": 1.5, "tokens_per_s": 2000.0}, "reference": {"attention_kernel": "sdpa", "attention_reason": "auto: float32 on cpu always takes sdpa", "cached": false, "end_to_end_seconds": 2.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp32", "seconds": 1.5, "tokens_per_s": 1000.0}}','{"ci95": [1.8, 2.2], "end_to_end": 1.9, "reason": "speed: 2.00x", "tokens_per_s": 2.0, "verdict": "PASS"}','{"M1": {"below": 2, "min": 0.99998, "p01": 0.99999}, "M4": {"relative_l2_p99": 0.001}, "M5": {"norm_ratio_worst": 1.0005}, "V1": {"inf": 0, "nan": 2}, "dominant_dimension": {"index": 3, "share": 0.81}, "gpu_utilization_mean": null, "weights": {"largest": 3.5}}','host-a','boot-a',4003,1003,1795000180000000,1795000181000000,1795000200000000,1795000200000000);
INSERT INTO "run" VALUES(4,'44444444444444444444444444444444',NULL,'completed','fp16 is safe here',NULL,0,'done','esm2-650m','/data/reads.faa','fp16',NULL,'fp32','{"attention":"auto","device":"cuda:0","fp32_compare":false,"gates":"mission","input":"/data/reads.faa","model":"esm2-650m","name":null,"precision":"fp16","precision_reason":null,"precision_requested":null,"reference":"fp32","sample":10000,"seed":0,"strata":null,"tags":{"gpu":"h200"},"token_budget":"auto","trust_remote_code":false}','{"alphabet": "protein", "cuts": [100, 200], "lower_case": 0, "n": 9, "n_file": 40, "name": "long.faa", "path": "/data/long.faa", "renamed": 0, "rna": 0, "seed": 0, "sha256": "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2", "strata": {"long": 3, "medium": 3, "short": 3}, "tokenizer": "esm2", "tokens": 900, "truncated": 0, "unknown_letters": {}}','{"alphabet": "protein", "given": "esm2-650m", "heads": 20, "hidden": 320, "kind": "esm2", "layers": 6, "max_residues": 1022, "name": "esm2-650m", "parameters": 7511801, "pooling": "residues", "revision": null, "weights_sha256": "d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4"}','{"attention": {"candidate": "sdpa", "reference": "sdpa"}, "cores": 2, "cuda": "13.0", "device": "cuda:0", "device_name": "NVIDIA H200", "device_reason": "asked for", "driver": "580.95.05", "flags": {"candidate": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}}, "gpu_uuid": "0a1b2c3d-0000-0000-0000-000000000000", "nvml": null, "os": "Linux-6.1-x86_64", "power_limit_w": 700.0, "python": "3.11.7", "schedule": "both arms resident, ABBA", "sqlite": "3.40.1", "threads": 1, "token_budget": 4096, "token_budget_reason": "asked for", "torch": "2.11.0+cu130", "vp_tui": "0.1.0"}','cuda:0',9,9,NULL,'PASS','fp16 is safe here','PASS',2.0,1.9,'[]','{"candidate": {"attention_kernel": "sdpa", "attention_reason": "auto: float32 on cpu always takes sdpa", "cached": false, "end_to_end_seconds": 2.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp16", "seconds": 1.5, "tokens_per_s": 2000.0}, "reference": {"attention_kernel": "sdpa", "attention_reason": "auto: float32 on cpu always takes sdpa", "cached": false, "end_to_end_seconds": 2.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp32", "seconds": 1.5, "tokens_per_s": 1000.0}}','{"ci95": [1.8, 2.2], "end_to_end": 1.9, "reason": "speed: 2.00x", "tokens_per_s": 2.0, "verdict": "PASS"}','{"M1": {"below": 0, "min": 0.99998, "p01": 0.99999}, "M4": {"relative_l2_p99": 0.001}, "M5": {"norm_ratio_worst": 1.0005}, "V1": {"inf": 0, "nan": 0}, "dominant_dimension": {"index": 3, "share": 0.81}, "gpu_utilization_mean": 91.5, "weights": {"largest": 3.5}}','host-a','boot-a',4004,1004,1795000240000000,1795000241000000,1795000260000000,1795000260000000);
INSERT INTO "run" VALUES(5,'55555555555555555555555555555555','stopped','cancelled','stopped on request',NULL,130,'','esm2-8m','/data/reads.faa','fp16',NULL,'fp32','{"attention":"auto","device":"auto","fp32_compare":false,"gates":"mission","input":"/data/reads.faa","model":"esm2-8m","name":"stopped","precision":"fp16","precision_reason":null,"precision_requested":null,"reference":"fp32","sample":10000,"seed":0,"strata":null,"tags":{},"token_budget":"auto","trust_remote_code":false}','{"alphabet": "protein", "cuts": [64, 128], "lower_case": 0, "n": 12, "n_file": 40, "name": "reads.faa", "path": "/data/reads.faa", "renamed": 0, "rna": 0, "seed": 0, "sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "strata": {"long": 4, "medium": 4, "short": 4}, "tokenizer": "esm2", "tokens": 1200, "truncated": 0, "unknown_letters": {}}','{"alphabet": "protein", "given": "esm2-8m", "heads": 20, "hidden": 320, "kind": "esm2", "layers": 6, "max_residues": 1022, "name": "esm2-8m", "parameters": 7511801, "pooling": "residues", "revision": null, "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"attention": {"candidate": "sdpa", "reference": "sdpa"}, "cores": 2, "cuda": null, "device": "cpu", "device_name": "x86_64", "device_reason": "asked for", "flags": {"candidate": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}}, "os": "Linux-6.1-x86_64", "python": "3.11.7", "schedule": "both arms resident, ABBA", "sqlite": "3.40.1", "threads": 1, "token_budget": 4096, "token_budget_reason": "asked for", "torch": "2.13.0+cpu", "vp_tui": "0.1.0"}','cpu',0,12,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'host-a','boot-a',4005,1005,1795000300000000,1795000301000000,1795000320000000,1795000320000000);
INSERT INTO "run" VALUES(6,'66666666666666666666666666666666','no weights','failed','no weights in the folder','ModelError',2,'reading','esm2-8m','/data/reads.faa','fp16',NULL,'fp32','{"attention":"auto","device":"auto","fp32_compare":false,"gates":"mission","input":"/data/reads.faa","model":"esm2-8m","name":"no weights","precision":"fp16","precision_reason":null,"precision_requested":null,"reference":"fp32","sample":10000,"seed":0,"strata":null,"tags":{},"token_budget":"auto","trust_remote_code":false}',NULL,NULL,NULL,'cpu',0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'host-a','boot-a',4006,1006,1795000360000000,NULL,1795000380000000,1795000380000000);
INSERT INTO "run" VALUES(7,'77777777777777777777777777777777','killed','interrupted','the worker (pid 7) is gone without a last word',NULL,7,'','esm2-8m','/data/reads.faa','fp16',NULL,'fp32','{"attention":"auto","device":"auto","fp32_compare":false,"gates":"mission","input":"/data/reads.faa","model":"esm2-8m","name":"killed","precision":"fp16","precision_reason":null,"precision_requested":null,"reference":"fp32","sample":10000,"seed":0,"strata":null,"tags":{},"token_budget":"auto","trust_remote_code":false}','{"alphabet": "protein", "cuts": [64, 128], "lower_case": 0, "n": 12, "n_file": 40, "name": "reads.faa", "path": "/data/reads.faa", "renamed": 0, "rna": 0, "seed": 0, "sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "strata": {"long": 4, "medium": 4, "short": 4}, "tokenizer": "esm2", "tokens": 1200, "truncated": 0, "unknown_letters": {}}','{"alphabet": "protein", "given": "esm2-8m", "heads": 20, "hidden": 320, "kind": "esm2", "layers": 6, "max_residues": 1022, "name": "esm2-8m", "parameters": 7511801, "pooling": "residues", "revision": null, "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"attention": {"candidate": "sdpa", "reference": "sdpa"}, "cores": 2, "cuda": null, "device": "cpu", "device_name": "x86_64", "device_reason": "asked for", "flags": {"candidate": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}}, "os": "Linux-6.1-x86_64", "python": "3.11.7", "schedule": "both arms resident, ABBA", "sqlite": "3.40.1", "threads": 1, "token_budget": 4096, "token_budget_reason": "asked for", "torch": "2.13.0+cpu", "vp_tui": "0.1.0"}','cpu',0,12,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'host-a','boot-a',4007,1007,1795000420000000,1795000421000000,1795000440000000,1795000440000000);
INSERT INTO "run" VALUES(8,'88888888888888888888888888888888','going','running',NULL,NULL,NULL,'','esm2-8m','/data/reads.faa','fp16',NULL,'fp32','{"attention":"auto","device":"auto","fp32_compare":false,"gates":"mission","input":"/data/reads.faa","model":"esm2-8m","name":"going","precision":"fp16","precision_reason":null,"precision_requested":null,"reference":"fp32","sample":10000,"seed":0,"strata":null,"tags":{},"token_budget":"auto","trust_remote_code":false}','{"alphabet": "protein", "cuts": [64, 128], "lower_case": 0, "n": 12, "n_file": 40, "name": "reads.faa", "path": "/data/reads.faa", "renamed": 0, "rna": 0, "seed": 0, "sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "strata": {"long": 4, "medium": 4, "short": 4}, "tokenizer": "esm2", "tokens": 1200, "truncated": 0, "unknown_letters": {}}','{"alphabet": "protein", "given": "esm2-8m", "heads": 20, "hidden": 320, "kind": "esm2", "layers": 6, "max_residues": 1022, "name": "esm2-8m", "parameters": 7511801, "pooling": "residues", "revision": null, "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"attention": {"candidate": "sdpa", "reference": "sdpa"}, "cores": 2, "cuda": null, "device": "cpu", "device_name": "x86_64", "device_reason": "asked for", "flags": {"candidate": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}}, "os": "Linux-6.1-x86_64", "python": "3.11.7", "schedule": "both arms resident, ABBA", "sqlite": "3.40.1", "threads": 1, "token_budget": 4096, "token_budget_reason": "asked for", "torch": "2.13.0+cpu", "vp_tui": "0.1.0"}','cpu',0,12,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'host-a','boot-a',4008,1008,1795000480000000,1795000481000000,1795000500000000,NULL);
INSERT INTO "run" VALUES(9,'99999999999999999999999999999999','waiting','queued',NULL,NULL,NULL,'','esm2-8m','/data/reads.faa','fp16',NULL,'fp32','{"attention":"auto","device":"auto","fp32_compare":false,"gates":"mission","input":"/data/reads.faa","model":"esm2-8m","name":"waiting","precision":"fp16","precision_reason":null,"precision_requested":null,"reference":"fp32","sample":10000,"seed":0,"strata":null,"tags":{},"token_budget":"auto","trust_remote_code":false}',NULL,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'host-a','boot-a',NULL,NULL,1795000540000000,NULL,NULL,NULL);
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
INSERT INTO "run_event" VALUES(1,1,1795000060000001,'queued','starting','run',NULL);
INSERT INTO "run_event" VALUES(2,1,1795000060000002,'starting','running','run',NULL);
INSERT INTO "run_event" VALUES(3,1,1795000060000003,'running','completed','run','fp16 is safe here');
INSERT INTO "run_event" VALUES(4,2,1795000120000004,'queued','starting','run',NULL);
INSERT INTO "run_event" VALUES(5,2,1795000120000005,'starting','running','run',NULL);
INSERT INTO "run_event" VALUES(6,2,1795000120000006,'running','completed','run','fp16 is safe here');
INSERT INTO "run_event" VALUES(7,3,1795000180000007,'queued','starting','run',NULL);
INSERT INTO "run_event" VALUES(8,3,1795000180000008,'starting','running','run',NULL);
INSERT INTO "run_event" VALUES(9,3,1795000180000009,'running','completed','run','fp16 is not safe here');
INSERT INTO "run_event" VALUES(10,4,1795000240000010,'queued','starting','run',NULL);
INSERT INTO "run_event" VALUES(11,4,1795000240000011,'starting','running','run',NULL);
INSERT INTO "run_event" VALUES(12,4,1795000240000012,'running','completed','run','fp16 is safe here');
INSERT INTO "run_event" VALUES(13,5,1795000300000013,'queued','starting','run',NULL);
INSERT INTO "run_event" VALUES(14,5,1795000300000014,'starting','running','run',NULL);
INSERT INTO "run_event" VALUES(15,5,1795000300000015,'running','cancelled','run','stopped on request');
INSERT INTO "run_event" VALUES(16,6,1795000360000016,'queued','starting','run',NULL);
INSERT INTO "run_event" VALUES(17,6,1795000360000017,'starting','failed','run','no weights in the folder');
INSERT INTO "run_event" VALUES(18,7,1795000420000018,'queued','starting','run',NULL);
INSERT INTO "run_event" VALUES(19,7,1795000420000019,'starting','running','run',NULL);
INSERT INTO "run_event" VALUES(20,7,1795000420000020,'running','interrupted','reader','the worker (pid 7) is gone without a last word');
INSERT INTO "run_event" VALUES(21,8,1795000480000021,'queued','starting','run',NULL);
INSERT INTO "run_event" VALUES(22,8,1795000480000022,'starting','running','run',NULL);
CREATE TABLE run_tag (
        run_id INTEGER NOT NULL,
        "key" TEXT NOT NULL,
        value TEXT NOT NULL,
        CONSTRAINT pk_run_tag PRIMARY KEY (run_id, "key"),
        CONSTRAINT fk_run_tag_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
     WITHOUT ROWID,
     STRICT;
INSERT INTO "run_tag" VALUES(4,'gpu','h200');
INSERT INTO "run_tag" VALUES(1,'gpu','none');
INSERT INTO "run_tag" VALUES(1,'who','me');
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
        CONSTRAINT pk_sequence_result PRIMARY KEY (run_id, seq_idx),
        CONSTRAINT ck_sequence_result_cosine CHECK (cosine BETWEEN -1.0001 AND 1.0001),
        CONSTRAINT fk_sequence_result_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
     WITHOUT ROWID,
     STRICT;
INSERT INTO "sequence_result" VALUES(1,0,'protein0','short',50,0.99999,0.001,1.0,0,0);
INSERT INTO "sequence_result" VALUES(1,1,'protein1','medium',50,0.999989,0.00101,1.0,0,0);
INSERT INTO "sequence_result" VALUES(1,2,'protein2','long',50,9.99988000000000099021e-01,0.00102,1.0,0,0);
INSERT INTO "sequence_result" VALUES(1,3,'it''s; a name','short',50,9.99987000000000070265e-01,0.00103,1.0,0,0);
INSERT INTO "sequence_result" VALUES(1,4,'protein4','medium',50,0.999986,1.04000000000000012573e-03,1.0,0,0);
INSERT INTO "sequence_result" VALUES(1,5,'protein5','long',50,0.999985,0.00105,1.0,0,0);
INSERT INTO "sequence_result" VALUES(1,6,'protein6','short',50,9.9998400000000009502e-01,0.00106,1.0,0,0);
INSERT INTO "sequence_result" VALUES(1,7,'protein7','medium',50,9.99983000000000066265e-01,0.00107,1.0,0,0);
INSERT INTO "sequence_result" VALUES(1,8,'protein8','long',50,0.999982,0.00108,1.0,0,0);
INSERT INTO "sequence_result" VALUES(1,9,'protein9','short',50,0.999981,0.00109,1.0,0,0);
INSERT INTO "sequence_result" VALUES(1,10,'protein10','medium',50,9.9998000000000009102e-01,0.0011,1.0,0,0);
INSERT INTO "sequence_result" VALUES(1,11,'protein11','long',50,9.99979000000000062264e-01,0.00111,1.0,0,0);
INSERT INTO "sequence_result" VALUES(2,0,'protein0','short',50,0.99999,0.001,1.0,0,0);
INSERT INTO "sequence_result" VALUES(2,1,'protein1','medium',50,0.999989,0.00101,1.0,0,0);
INSERT INTO "sequence_result" VALUES(2,2,'protein2','long',50,9.99988000000000099021e-01,0.00102,1.0,0,0);
INSERT INTO "sequence_result" VALUES(2,3,'it''s; a name','short',50,9.99987000000000070265e-01,0.00103,1.0,0,0);
INSERT INTO "sequence_result" VALUES(2,4,'protein4','medium',50,0.999986,1.04000000000000012573e-03,1.0,0,0);
INSERT INTO "sequence_result" VALUES(2,5,'protein5','long',50,0.999985,0.00105,1.0,0,0);
INSERT INTO "sequence_result" VALUES(2,6,'protein6','short',50,9.9998400000000009502e-01,0.00106,1.0,0,0);
INSERT INTO "sequence_result" VALUES(2,7,'protein7','medium',50,9.99983000000000066265e-01,0.00107,1.0,0,0);
INSERT INTO "sequence_result" VALUES(2,8,'protein8','long',50,0.999982,0.00108,1.0,0,0);
INSERT INTO "sequence_result" VALUES(2,9,'protein9','short',50,0.999981,0.00109,1.0,0,0);
INSERT INTO "sequence_result" VALUES(2,10,'protein10','medium',50,9.9998000000000009102e-01,0.0011,1.0,0,0);
INSERT INTO "sequence_result" VALUES(2,11,'protein11','long',50,9.99979000000000062264e-01,0.00111,1.0,0,0);
INSERT INTO "sequence_result" VALUES(3,0,'protein0','short',50,NULL,NULL,NULL,7,0);
INSERT INTO "sequence_result" VALUES(3,1,'protein1','medium',50,0.999989,0.00101,1.0,0,0);
INSERT INTO "sequence_result" VALUES(3,2,'protein2','long',50,9.99988000000000099021e-01,0.00102,1.0,0,0);
INSERT INTO "sequence_result" VALUES(3,3,'it''s; a name','short',50,NULL,NULL,NULL,7,0);
INSERT INTO "sequence_result" VALUES(3,4,'protein4','medium',50,0.999986,1.04000000000000012573e-03,1.0,0,0);
INSERT INTO "sequence_result" VALUES(3,5,'protein5','long',50,0.999985,0.00105,1.0,0,0);
INSERT INTO "sequence_result" VALUES(3,6,'protein6','short',50,9.9998400000000009502e-01,0.00106,1.0,0,0);
INSERT INTO "sequence_result" VALUES(3,7,'protein7','medium',50,9.99983000000000066265e-01,0.00107,1.0,0,0);
INSERT INTO "sequence_result" VALUES(3,8,'protein8','long',50,0.999982,0.00108,1.0,0,0);
INSERT INTO "sequence_result" VALUES(3,9,'protein9','short',50,0.999981,0.00109,1.0,0,0);
INSERT INTO "sequence_result" VALUES(3,10,'protein10','medium',50,9.9998000000000009102e-01,0.0011,1.0,0,0);
INSERT INTO "sequence_result" VALUES(3,11,'protein11','long',50,9.99979000000000062264e-01,0.00111,1.0,0,0);
INSERT INTO "sequence_result" VALUES(4,0,'protein0','short',50,0.99999,0.001,1.0,0,0);
INSERT INTO "sequence_result" VALUES(4,1,'protein1','medium',50,0.999989,0.00101,1.0,0,0);
INSERT INTO "sequence_result" VALUES(4,2,'protein2','long',50,9.99988000000000099021e-01,0.00102,1.0,0,0);
INSERT INTO "sequence_result" VALUES(4,3,'it''s; a name','short',50,9.99987000000000070265e-01,0.00103,1.0,0,0);
INSERT INTO "sequence_result" VALUES(4,4,'protein4','medium',50,0.999986,1.04000000000000012573e-03,1.0,0,0);
INSERT INTO "sequence_result" VALUES(4,5,'protein5','long',50,0.999985,0.00105,1.0,0,0);
INSERT INTO "sequence_result" VALUES(4,6,'protein6','short',50,9.9998400000000009502e-01,0.00106,1.0,0,0);
INSERT INTO "sequence_result" VALUES(4,7,'protein7','medium',50,9.99983000000000066265e-01,0.00107,1.0,0,0);
INSERT INTO "sequence_result" VALUES(4,8,'protein8','long',50,0.999982,0.00108,1.0,0,0);
INSERT INTO "sequence_result" VALUES(5,0,'protein0','short',50,0.99999,0.001,1.0,0,0);
INSERT INTO "sequence_result" VALUES(5,1,'protein1','medium',50,0.999989,0.00101,1.0,0,0);
INSERT INTO "sequence_result" VALUES(5,2,'protein2','long',50,9.99988000000000099021e-01,0.00102,1.0,0,0);
INSERT INTO "sequence_result" VALUES(5,3,'it''s; a name','short',50,9.99987000000000070265e-01,0.00103,1.0,0,0);
INSERT INTO "sequence_result" VALUES(7,0,'protein0','short',50,0.99999,0.001,1.0,0,0);
INSERT INTO "sequence_result" VALUES(7,1,'protein1','medium',50,0.999989,0.00101,1.0,0,0);
CREATE TABLE similarity_sample (
        id INTEGER NOT NULL,
        run_id INTEGER NOT NULL,
        at_us INTEGER NOT NULL,
        block INTEGER NOT NULL,
        stratum TEXT NOT NULL,
        sequences INTEGER NOT NULL,
        cosine_min REAL,
        cosine_median REAL,
        CONSTRAINT pk_similarity_sample PRIMARY KEY (id),
        CONSTRAINT fk_similarity_sample_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
     STRICT;
INSERT INTO "similarity_sample" VALUES(1,1,2,0,'short',12,0.9999,0.99995);
INSERT INTO "similarity_sample" VALUES(2,2,2,0,'short',12,0.9999,0.99995);
INSERT INTO "similarity_sample" VALUES(3,3,2,0,'short',12,0.9999,0.99995);
INSERT INTO "similarity_sample" VALUES(4,4,2,0,'short',9,0.9999,0.99995);
INSERT INTO "similarity_sample" VALUES(5,5,2,0,'short',2,0.9999,0.99995);
INSERT INTO "similarity_sample" VALUES(6,7,2,0,'short',2,0.9999,0.99995);
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
INSERT INTO "stratum" VALUES(1,'all',12,12,1200,0.999978,0.99999,0.999995,0,0,0,0.001,1.0005,1000.0,2000.0,2.0);
INSERT INTO "stratum" VALUES(1,'long',4,4,1200,0.999978,0.99999,0.999995,0,0,0,0.001,1.0005,1000.0,2000.0,2.0);
INSERT INTO "stratum" VALUES(1,'medium',4,4,1200,0.999978,0.99999,0.999995,0,0,0,0.001,1.0005,1000.0,2000.0,2.0);
INSERT INTO "stratum" VALUES(1,'short',4,4,1200,0.999978,0.99999,0.999995,0,0,0,0.001,1.0005,1000.0,2000.0,2.0);
INSERT INTO "stratum" VALUES(2,'all',12,12,1200,0.999978,0.99999,0.999995,0,0,0,0.001,1.0005,1000.0,2000.0,2.0);
INSERT INTO "stratum" VALUES(2,'long',4,4,1200,0.999978,0.99999,0.999995,0,0,0,0.001,1.0005,1000.0,2000.0,2.0);
INSERT INTO "stratum" VALUES(2,'medium',4,4,1200,0.999978,0.99999,0.999995,0,0,0,0.001,1.0005,1000.0,2000.0,2.0);
INSERT INTO "stratum" VALUES(2,'short',4,4,1200,0.999978,0.99999,0.999995,0,0,0,0.001,1.0005,1000.0,2000.0,2.0);
INSERT INTO "stratum" VALUES(3,'all',12,12,1200,0.999978,0.99999,0.999995,0,2,0,0.001,1.0005,1000.0,2000.0,2.0);
INSERT INTO "stratum" VALUES(3,'long',4,4,1200,0.999978,0.99999,0.999995,0,0,0,0.001,1.0005,1000.0,2000.0,2.0);
INSERT INTO "stratum" VALUES(3,'medium',4,4,1200,0.999978,0.99999,0.999995,0,0,0,0.001,1.0005,1000.0,2000.0,2.0);
INSERT INTO "stratum" VALUES(3,'short',4,4,1200,0.999978,0.99999,0.999995,0,2,0,0.001,1.0005,1000.0,2000.0,2.0);
INSERT INTO "stratum" VALUES(4,'all',9,9,900,0.999981,0.99999,0.999995,0,0,0,0.001,1.0005,1000.0,2000.0,2.0);
INSERT INTO "stratum" VALUES(4,'long',3,3,900,0.999981,0.99999,0.999995,0,0,0,0.001,1.0005,1000.0,2000.0,2.0);
INSERT INTO "stratum" VALUES(4,'medium',3,3,900,0.999981,0.99999,0.999995,0,0,0,0.001,1.0005,1000.0,2000.0,2.0);
INSERT INTO "stratum" VALUES(4,'short',3,3,900,0.999981,0.99999,0.999995,0,0,0,0.001,1.0005,1000.0,2000.0,2.0);
INSERT INTO "stratum" VALUES(5,'short',12,4,500,NULL,0.99999,0.999995,0,0,0,0.001,1.0005,1000.0,2000.0,2.0);
CREATE INDEX ix_run_name ON run (name);
CREATE INDEX ix_run_status ON run (status);
CREATE INDEX ix_alert_run_id_id ON alert (run_id, id);
CREATE INDEX ix_block_sample_run_id_id ON block_sample (run_id, id);
CREATE INDEX ix_gpu_sample_run_id_id ON gpu_sample (run_id, id);
CREATE INDEX ix_run_event_run_id_id ON run_event (run_id, id);
CREATE INDEX ix_run_tag_key_value ON run_tag ("key", value);
CREATE INDEX ix_similarity_sample_run_id_id ON similarity_sample (run_id, id);
COMMIT;
