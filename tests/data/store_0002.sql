PRAGMA application_id=1448105045;
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
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
        pack INTEGER, layer TEXT,
        CONSTRAINT pk_alert PRIMARY KEY (id),
        CONSTRAINT ck_alert_severity CHECK (severity IN ('info', 'warn', 'fail')),
        CONSTRAINT fk_alert_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
     STRICT;
INSERT INTO "alert" VALUES(1,1,4,'input','info','1 lower-case letter was read as upper case',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "alert" VALUES(2,2,4,'input','info','1 lower-case letter was read as upper case',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "alert" VALUES(3,3,4,'input','info','1 lower-case letter was read as upper case',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "alert" VALUES(4,3,4,'nan','fail','has 3 NaN','short',0,'protein0',0,0,NULL);
INSERT INTO "alert" VALUES(5,4,4,'input','info','1 lower-case letter was read as upper case',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "alert" VALUES(6,12,4,'nan','fail','has 3 NaN',NULL,NULL,NULL,NULL,NULL,'layers.3');
CREATE TABLE baseline (
        id INTEGER NOT NULL,
        name TEXT NOT NULL,
        key_kind TEXT NOT NULL,
        "key" TEXT NOT NULL,
        mode TEXT NOT NULL,
        window_n INTEGER,
        reason TEXT NOT NULL,
        run_uuids_json TEXT NOT NULL,
        created_at_us INTEGER NOT NULL,
        created_by TEXT NOT NULL,
        retired_at_us INTEGER,
        retired_reason TEXT,
        CONSTRAINT pk_baseline PRIMARY KEY (id),
        CONSTRAINT ck_baseline_key_kind CHECK (key_kind IN ('accuracy', 'perf')),
        CONSTRAINT ck_baseline_mode CHECK (mode IN ('pinned', 'rolling')),
        CONSTRAINT ck_baseline_window_when_rolling CHECK ((mode = 'rolling') = (window_n IS NOT NULL)),
        CONSTRAINT ck_baseline_retired_with_a_reason CHECK ((retired_at_us IS NULL) = (retired_reason IS NULL)),
        CONSTRAINT ck_baseline_run_uuids_json_is_json CHECK (run_uuids_json IS NULL OR json_valid(run_uuids_json))
    )
     STRICT;
INSERT INTO "baseline" VALUES(1,'nightly','accuracy','843157e713549f59986fdda64fd3c82f7026039bdb8bc88abfe5e69a91c9725f','pinned',NULL,'good','["56351e1682bc4013a70f5d9d1abb22fe", "f217cff0de17492b8ae5d9f96e89f61e"]',1795468600756556,'user',NULL,NULL);
INSERT INTO "baseline" VALUES(2,'nightly','perf','42c05595f7c675655260af6f070be037aa93ab3e52ace0d279bb293eeb9e988f','pinned',NULL,'good','["56351e1682bc4013a70f5d9d1abb22fe", "f217cff0de17492b8ae5d9f96e89f61e"]',1795468600757789,'user',NULL,NULL);
CREATE TABLE baseline_member (
        baseline_id INTEGER NOT NULL,
        run_id INTEGER NOT NULL,
        CONSTRAINT pk_baseline_member PRIMARY KEY (baseline_id, run_id),
        CONSTRAINT fk_baseline_member_baseline_id_baseline FOREIGN KEY(baseline_id) REFERENCES baseline (id) ON DELETE CASCADE,
        CONSTRAINT fk_baseline_member_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE RESTRICT
    )
     WITHOUT ROWID,
     STRICT;
INSERT INTO "baseline_member" VALUES(1,10);
INSERT INTO "baseline_member" VALUES(2,10);
INSERT INTO "baseline_member" VALUES(1,11);
INSERT INTO "baseline_member" VALUES(2,11);
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
INSERT INTO "block_sample" VALUES(24,12,10,0,'reference','short',10,500,0.5,0.6,0);
INSERT INTO "block_sample" VALUES(25,12,20,0,'candidate','short',10,500,0.5,0.6,0);
CREATE TABLE comparison (
        id INTEGER NOT NULL,
        uuid TEXT NOT NULL,
        candidate_group_id INTEGER,
        baseline_id INTEGER,
        candidate_runs_json TEXT NOT NULL,
        base_runs_json TEXT NOT NULL,
        rule_version INTEGER NOT NULL,
        rule_json TEXT NOT NULL,
        comparability TEXT NOT NULL,
        differences_json TEXT NOT NULL,
        verdict TEXT NOT NULL,
        sentence TEXT NOT NULL,
        exit_code INTEGER NOT NULL,
        created_at_us INTEGER NOT NULL,
        CONSTRAINT pk_comparison PRIMARY KEY (id),
        CONSTRAINT ck_comparison_candidate_runs_json_is_json CHECK (candidate_runs_json IS NULL OR json_valid(candidate_runs_json)),
        CONSTRAINT ck_comparison_base_runs_json_is_json CHECK (base_runs_json IS NULL OR json_valid(base_runs_json)),
        CONSTRAINT ck_comparison_rule_json_is_json CHECK (rule_json IS NULL OR json_valid(rule_json)),
        CONSTRAINT ck_comparison_differences_json_is_json CHECK (differences_json IS NULL OR json_valid(differences_json)),
        CONSTRAINT uq_comparison_uuid UNIQUE (uuid),
        CONSTRAINT fk_comparison_candidate_group_id_run_group FOREIGN KEY(candidate_group_id) REFERENCES run_group (id) ON DELETE RESTRICT,
        CONSTRAINT fk_comparison_baseline_id_baseline FOREIGN KEY(baseline_id) REFERENCES baseline (id) ON DELETE RESTRICT
    )
     STRICT;
CREATE TABLE comparison_item (
        comparison_id INTEGER NOT NULL,
        name TEXT NOT NULL,
        scope TEXT NOT NULL,
        base_value REAL,
        cand_value REAL,
        n_base INTEGER NOT NULL,
        n_cand INTEGER NOT NULL,
        effect REAL,
        ci_lo REAL,
        ci_hi REAL,
        p_raw REAL,
        p_adj REAL,
        min_effect REAL,
        verdict TEXT NOT NULL,
        reason TEXT NOT NULL,
        CONSTRAINT pk_comparison_item PRIMARY KEY (comparison_id, name, scope),
        CONSTRAINT fk_comparison_item_comparison_id_comparison FOREIGN KEY(comparison_id) REFERENCES comparison (id) ON DELETE RESTRICT
    )
     WITHOUT ROWID,
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
INSERT INTO "dataset" VALUES(1,'a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1','reads.faa',12,4,4,4,'[64, 128]',0,'/data/reads.faa','{"alphabet": "protein", "cuts": [64, 128], "lower_case": 0, "n": 12, "n_file": 40, "name": "reads.faa", "path": "/data/reads.faa", "renamed": 0, "rna": 0, "seed": 0, "sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "strata": {"long": 4, "medium": 4, "short": 4}, "tokenizer": "esm2", "tokens": 1200, "truncated": 0, "unknown_letters": {}}');
INSERT INTO "dataset" VALUES(2,'b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2','long.faa',9,3,3,3,'[100, 200]',0,'/data/long.faa','{"alphabet": "protein", "cuts": [100, 200], "lower_case": 0, "n": 9, "n_file": 40, "name": "long.faa", "path": "/data/long.faa", "renamed": 0, "rna": 0, "seed": 0, "sha256": "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2", "strata": {"long": 3, "medium": 3, "short": 3}, "tokenizer": "esm2", "tokens": 900, "truncated": 0, "unknown_letters": {}}');
INSERT INTO "dataset" VALUES(3,'dadadadadadadadadadadadadadadadadadadadadadadadadadadadadadadada','reads.faa',30,10,10,10,'[64, 128]',0,NULL,'{"cuts": [64, 128], "n": 30, "name": "reads.faa", "seed": 0, "sha256": "dadadadadadadadadadadadadadadadadadadadadadadadadadadadadadadada", "strata": {"long": 10, "medium": 10, "short": 10}, "tokenizer": "esm2"}');
CREATE TABLE environment (
        id INTEGER NOT NULL,
        perf_fingerprint TEXT NOT NULL,
        gpu_name TEXT,
        gpu_mem_mib REAL,
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
        ram_mib REAL,
        os TEXT,
        facts_json TEXT NOT NULL,
        created_at_us INTEGER NOT NULL,
        CONSTRAINT pk_environment PRIMARY KEY (id),
        CONSTRAINT ck_environment_facts_json_is_json CHECK (facts_json IS NULL OR json_valid(facts_json)),
        CONSTRAINT uq_environment_perf_fingerprint UNIQUE (perf_fingerprint)
    )
     STRICT;
INSERT INTO "environment" VALUES(1,'2da00ecfdb5da404beb22eebf9d7a08de1eb633f14ea77728f95e0e4aeee2f16',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2.13.0+cpu',NULL,NULL,'3.11.7','3.40.1','x86_64',2,NULL,'Linux-6.1-x86_64','{"device_name": "x86_64", "device_type": "cpu", "flash_attn": null, "threads": 1, "torch": "2.13.0+cpu", "transformers": null}',1795468600134098);
INSERT INTO "environment" VALUES(2,'fba0b2ec62a26e2b35d32c1b930fb9823c5bbecedcf532c2a69da4a0f4228a7d','NVIDIA H200',NULL,NULL,700.0,'580.95.05','13.0',NULL,'2.11.0+cu130',NULL,NULL,'3.11.7','3.40.1',NULL,2,NULL,'Linux-6.1-x86_64','{"cuda": "13.0", "cudnn": null, "device_name": "NVIDIA H200", "device_type": "cuda", "driver": "580.95.05", "flash_attn": null, "power_limit_w": 700.0, "torch": "2.11.0+cu130", "transformers": null}',1795468600145212);
INSERT INTO "environment" VALUES(3,'290bc61910ab11ffececbab634d72dba4291f0d47e759e916e29f874d3f0e500','NVIDIA H200',NULL,NULL,NULL,'580.95.05',NULL,NULL,'2.13.0+cu130',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"cuda": null, "cudnn": null, "device_name": "NVIDIA H200", "device_type": "cuda", "driver": "580.95.05", "flash_attn": null, "power_limit_w": null, "torch": "2.13.0+cu130", "transformers": null}',1795468600717236);
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
INSERT INTO "gpu_sample" VALUES(3,12,10,80.0,1000.0,80000.0,300.0,700.0,1900.0,55.0,0);
INSERT INTO "gpu_sample" VALUES(4,12,11,81.0,1000.0,80000.0,300.0,700.0,1900.0,55.0,4);
INSERT INTO "gpu_sample" VALUES(5,12,12,82.0,1000.0,80000.0,300.0,700.0,1900.0,55.0,8);
INSERT INTO "gpu_sample" VALUES(6,12,14,NULL,1000.0,80000.0,NULL,700.0,1900.0,55.0,0);
CREATE TABLE layer_stat (
        run_id INTEGER NOT NULL,
        layer TEXT NOT NULL,
        scope TEXT NOT NULL,
        mean REAL,
        std REAL,
        absmax REAL,
        outlier_share REAL,
        nonfinite INTEGER NOT NULL,
        CONSTRAINT pk_layer_stat PRIMARY KEY (run_id, layer, scope),
        CONSTRAINT fk_layer_stat_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
     WITHOUT ROWID,
     STRICT;
INSERT INTO "layer_stat" VALUES(12,'layers.3','all',0.1,NULL,NULL,0.5,0);
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
INSERT INTO "metric" VALUES(1,'M1.below','all',0.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M1.below','long',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M1.below','medium',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M1.below','short',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M1.mean','all',0.999995,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M1.mean','long',0.999995,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M1.mean','medium',0.999995,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M1.mean','short',0.999995,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M1.min','all',0.99998,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M1.min','long',0.999978,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M1.min','medium',0.999978,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M1.min','short',0.999978,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M1.p01','all',0.99999,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M1.p01','long',0.99999,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M1.p01','medium',0.99999,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M1.p01','short',0.99999,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M4.relative_l2_p99','all',0.001,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M4.relative_l2_p99','long',0.001,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M4.relative_l2_p99','medium',0.001,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M4.relative_l2_p99','short',0.001,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M5.norm_ratio_worst','all',1.0005,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M5.norm_ratio_worst','long',1.0005,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M5.norm_ratio_worst','medium',1.0005,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'M5.norm_ratio_worst','short',1.0005,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'V1.inf','all',0.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'V1.inf','long',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'V1.inf','medium',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'V1.inf','short',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'V1.nan','all',0.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'V1.nan','long',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'V1.nan','medium',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'V1.nan','short',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'candidate.end_to_end_seconds','all',2.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'candidate.end_to_end_tokens_per_s','all',600.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'candidate.load_seconds','all',0.3,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'candidate.seconds','all',1.5,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'candidate.tokens_per_s','all',2000.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'candidate.tokens_per_s','long',2000.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'candidate.tokens_per_s','medium',2000.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'candidate.tokens_per_s','short',2000.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'dominant_dimension.index','all',3.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'dominant_dimension.share','all',0.81,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'reference.end_to_end_seconds','all',2.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'reference.end_to_end_tokens_per_s','all',600.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'reference.load_seconds','all',0.3,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'reference.seconds','all',1.5,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'reference.tokens_per_s','all',1000.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'reference.tokens_per_s','long',1000.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'reference.tokens_per_s','medium',1000.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'reference.tokens_per_s','short',1000.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'speedup.end_to_end','all',1.9,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'speedup.tokens_per_s','all',2.0,12,0,1.8,2.2);
INSERT INTO "metric" VALUES(1,'speedup.tokens_per_s','long',2.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'speedup.tokens_per_s','medium',2.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'speedup.tokens_per_s','short',2.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(1,'weights.largest','all',3.5,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M1.below','all',0.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M1.below','long',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M1.below','medium',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M1.below','short',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M1.mean','all',0.999995,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M1.mean','long',0.999995,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M1.mean','medium',0.999995,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M1.mean','short',0.999995,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M1.min','all',0.99998,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M1.min','long',0.999978,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M1.min','medium',0.999978,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M1.min','short',0.999978,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M1.p01','all',0.99999,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M1.p01','long',0.99999,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M1.p01','medium',0.99999,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M1.p01','short',0.99999,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M4.relative_l2_p99','all',0.001,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M4.relative_l2_p99','long',0.001,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M4.relative_l2_p99','medium',0.001,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M4.relative_l2_p99','short',0.001,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M5.norm_ratio_worst','all',1.0005,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M5.norm_ratio_worst','long',1.0005,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M5.norm_ratio_worst','medium',1.0005,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'M5.norm_ratio_worst','short',1.0005,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'V1.inf','all',0.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'V1.inf','long',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'V1.inf','medium',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'V1.inf','short',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'V1.nan','all',0.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'V1.nan','long',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'V1.nan','medium',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'V1.nan','short',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'candidate.end_to_end_seconds','all',2.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'candidate.end_to_end_tokens_per_s','all',600.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'candidate.load_seconds','all',0.3,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'candidate.seconds','all',1.5,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'candidate.tokens_per_s','all',2000.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'candidate.tokens_per_s','long',2000.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'candidate.tokens_per_s','medium',2000.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'candidate.tokens_per_s','short',2000.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'dominant_dimension.index','all',3.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'dominant_dimension.share','all',0.81,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'reference.end_to_end_seconds','all',2.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'reference.end_to_end_tokens_per_s','all',600.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'reference.load_seconds','all',0.3,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'reference.seconds','all',1.5,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'reference.tokens_per_s','all',1000.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'reference.tokens_per_s','long',1000.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'reference.tokens_per_s','medium',1000.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'reference.tokens_per_s','short',1000.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'speedup.end_to_end','all',1.9,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'speedup.tokens_per_s','all',2.0,12,0,1.8,2.2);
INSERT INTO "metric" VALUES(2,'speedup.tokens_per_s','long',2.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'speedup.tokens_per_s','medium',2.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'speedup.tokens_per_s','short',2.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(2,'weights.largest','all',3.5,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M1.below','all',2.0,12,2,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M1.below','long',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M1.below','medium',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M1.below','short',0.0,4,2,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M1.mean','all',0.999995,12,2,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M1.mean','long',0.999995,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M1.mean','medium',0.999995,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M1.mean','short',0.999995,4,2,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M1.min','all',0.99998,12,2,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M1.min','long',0.999978,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M1.min','medium',0.999978,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M1.min','short',0.999978,4,2,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M1.p01','all',0.99999,12,2,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M1.p01','long',0.99999,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M1.p01','medium',0.99999,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M1.p01','short',0.99999,4,2,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M4.relative_l2_p99','all',0.001,12,2,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M4.relative_l2_p99','long',0.001,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M4.relative_l2_p99','medium',0.001,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M4.relative_l2_p99','short',0.001,4,2,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M5.norm_ratio_worst','all',1.0005,12,2,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M5.norm_ratio_worst','long',1.0005,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M5.norm_ratio_worst','medium',1.0005,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'M5.norm_ratio_worst','short',1.0005,4,2,NULL,NULL);
INSERT INTO "metric" VALUES(3,'V1.inf','all',0.0,12,2,NULL,NULL);
INSERT INTO "metric" VALUES(3,'V1.inf','long',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'V1.inf','medium',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'V1.inf','short',0.0,4,2,NULL,NULL);
INSERT INTO "metric" VALUES(3,'V1.nan','all',2.0,12,2,NULL,NULL);
INSERT INTO "metric" VALUES(3,'V1.nan','long',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'V1.nan','medium',0.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'V1.nan','short',2.0,4,2,NULL,NULL);
INSERT INTO "metric" VALUES(3,'candidate.end_to_end_seconds','all',2.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'candidate.end_to_end_tokens_per_s','all',600.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'candidate.load_seconds','all',0.3,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'candidate.seconds','all',1.5,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'candidate.tokens_per_s','all',2000.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'candidate.tokens_per_s','long',2000.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'candidate.tokens_per_s','medium',2000.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'candidate.tokens_per_s','short',2000.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'dominant_dimension.index','all',3.0,12,2,NULL,NULL);
INSERT INTO "metric" VALUES(3,'dominant_dimension.share','all',0.81,12,2,NULL,NULL);
INSERT INTO "metric" VALUES(3,'reference.end_to_end_seconds','all',2.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'reference.end_to_end_tokens_per_s','all',600.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'reference.load_seconds','all',0.3,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'reference.seconds','all',1.5,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'reference.tokens_per_s','all',1000.0,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'reference.tokens_per_s','long',1000.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'reference.tokens_per_s','medium',1000.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'reference.tokens_per_s','short',1000.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'speedup.end_to_end','all',1.9,12,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'speedup.tokens_per_s','all',2.0,12,0,1.8,2.2);
INSERT INTO "metric" VALUES(3,'speedup.tokens_per_s','long',2.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'speedup.tokens_per_s','medium',2.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'speedup.tokens_per_s','short',2.0,4,0,NULL,NULL);
INSERT INTO "metric" VALUES(3,'weights.largest','all',3.5,12,2,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M1.below','all',0.0,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M1.below','long',0.0,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M1.below','medium',0.0,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M1.below','short',0.0,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M1.mean','all',0.999995,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M1.mean','long',0.999995,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M1.mean','medium',0.999995,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M1.mean','short',0.999995,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M1.min','all',0.99998,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M1.min','long',0.999981,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M1.min','medium',0.999981,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M1.min','short',0.999981,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M1.p01','all',0.99999,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M1.p01','long',0.99999,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M1.p01','medium',0.99999,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M1.p01','short',0.99999,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M4.relative_l2_p99','all',0.001,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M4.relative_l2_p99','long',0.001,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M4.relative_l2_p99','medium',0.001,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M4.relative_l2_p99','short',0.001,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M5.norm_ratio_worst','all',1.0005,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M5.norm_ratio_worst','long',1.0005,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M5.norm_ratio_worst','medium',1.0005,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'M5.norm_ratio_worst','short',1.0005,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'V1.inf','all',0.0,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'V1.inf','long',0.0,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'V1.inf','medium',0.0,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'V1.inf','short',0.0,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'V1.nan','all',0.0,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'V1.nan','long',0.0,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'V1.nan','medium',0.0,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'V1.nan','short',0.0,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'candidate.end_to_end_seconds','all',2.0,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'candidate.end_to_end_tokens_per_s','all',450.0,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'candidate.load_seconds','all',0.3,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'candidate.seconds','all',1.5,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'candidate.tokens_per_s','all',2000.0,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'candidate.tokens_per_s','long',2000.0,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'candidate.tokens_per_s','medium',2000.0,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'candidate.tokens_per_s','short',2000.0,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'dominant_dimension.index','all',3.0,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'dominant_dimension.share','all',0.81,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'gpu_utilization_mean','all',91.5,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'reference.end_to_end_seconds','all',2.0,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'reference.end_to_end_tokens_per_s','all',450.0,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'reference.load_seconds','all',0.3,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'reference.seconds','all',1.5,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'reference.tokens_per_s','all',1000.0,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'reference.tokens_per_s','long',1000.0,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'reference.tokens_per_s','medium',1000.0,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'reference.tokens_per_s','short',1000.0,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'speedup.end_to_end','all',1.9,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'speedup.tokens_per_s','all',2.0,9,0,1.8,2.2);
INSERT INTO "metric" VALUES(4,'speedup.tokens_per_s','long',2.0,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'speedup.tokens_per_s','medium',2.0,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'speedup.tokens_per_s','short',2.0,3,0,NULL,NULL);
INSERT INTO "metric" VALUES(4,'weights.largest','all',3.5,9,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M1.below','all',0.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M1.below','long',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M1.below','medium',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M1.below','short',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M1.mean','all',0.99999,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M1.mean','long',0.99999,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M1.mean','medium',0.99999,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M1.mean','short',0.99999,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M1.min','all',0.99998,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M1.min','long',0.99998,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M1.min','medium',0.99998,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M1.min','short',0.99998,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M1.p01','all',0.99999,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M1.p01','long',0.99999,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M1.p01','medium',0.99999,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M1.p01','short',0.99999,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M4.relative_l2_p99','all',0.001,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M4.relative_l2_p99','long',0.001,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M4.relative_l2_p99','medium',0.001,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M4.relative_l2_p99','short',0.001,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M5.norm_ratio_worst','all',1.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M5.norm_ratio_worst','long',1.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M5.norm_ratio_worst','medium',1.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'M5.norm_ratio_worst','short',1.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'V1.inf','all',0.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'V1.inf','long',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'V1.inf','medium',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'V1.inf','short',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'V1.nan','all',0.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'V1.nan','long',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'V1.nan','medium',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'V1.nan','short',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'candidate.end_to_end_seconds','all',32.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'candidate.end_to_end_tokens_per_s','all',46.875,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'candidate.load_seconds','all',0.3,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'candidate.seconds','all',30.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'candidate.tokens_per_s','all',1000.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'candidate.tokens_per_s','long',1000.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'candidate.tokens_per_s','medium',1000.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'candidate.tokens_per_s','short',1000.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'reference.end_to_end_seconds','all',64.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'reference.end_to_end_tokens_per_s','all',23.4375,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'reference.load_seconds','all',0.3,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'reference.seconds','all',60.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'reference.tokens_per_s','all',500.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'reference.tokens_per_s','long',500.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'reference.tokens_per_s','medium',500.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'reference.tokens_per_s','short',500.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'speedup.end_to_end','all',1.9,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'speedup.tokens_per_s','all',2.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'speedup.tokens_per_s','long',2.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'speedup.tokens_per_s','medium',2.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(10,'speedup.tokens_per_s','short',2.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M1.below','all',0.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M1.below','long',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M1.below','medium',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M1.below','short',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M1.mean','all',0.99999,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M1.mean','long',0.99999,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M1.mean','medium',0.99999,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M1.mean','short',0.99999,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M1.min','all',0.99998,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M1.min','long',0.99998,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M1.min','medium',0.99998,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M1.min','short',0.99998,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M1.p01','all',0.99999,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M1.p01','long',0.99999,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M1.p01','medium',0.99999,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M1.p01','short',0.99999,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M4.relative_l2_p99','all',0.001,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M4.relative_l2_p99','long',0.001,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M4.relative_l2_p99','medium',0.001,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M4.relative_l2_p99','short',0.001,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M5.norm_ratio_worst','all',1.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M5.norm_ratio_worst','long',1.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M5.norm_ratio_worst','medium',1.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'M5.norm_ratio_worst','short',1.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'V1.inf','all',0.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'V1.inf','long',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'V1.inf','medium',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'V1.inf','short',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'V1.nan','all',0.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'V1.nan','long',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'V1.nan','medium',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'V1.nan','short',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'candidate.end_to_end_seconds','all',32.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'candidate.end_to_end_tokens_per_s','all',46.875,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'candidate.load_seconds','all',0.3,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'candidate.seconds','all',30.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'candidate.tokens_per_s','all',1000.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'candidate.tokens_per_s','long',1000.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'candidate.tokens_per_s','medium',1000.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'candidate.tokens_per_s','short',1000.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'reference.end_to_end_seconds','all',64.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'reference.end_to_end_tokens_per_s','all',23.4375,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'reference.load_seconds','all',0.3,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'reference.seconds','all',60.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'reference.tokens_per_s','all',500.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'reference.tokens_per_s','long',500.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'reference.tokens_per_s','medium',500.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'reference.tokens_per_s','short',500.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'speedup.end_to_end','all',1.9,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'speedup.tokens_per_s','all',2.0,30,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'speedup.tokens_per_s','long',2.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'speedup.tokens_per_s','medium',2.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(11,'speedup.tokens_per_s','short',2.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M1.below','all',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M1.below','long',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M1.below','medium',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M1.below','short',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M1.mean','all',0.999995,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M1.mean','long',0.999995,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M1.mean','medium',0.999995,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M1.mean','short',0.999995,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M1.min','all',0.99999,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M1.min','long',0.99999,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M1.min','medium',0.99999,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M1.min','short',0.99999,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M1.p01','all',0.99999,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M1.p01','long',0.99999,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M1.p01','medium',0.99999,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M1.p01','short',0.99999,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M4.relative_l2_p99','all',0.001,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M4.relative_l2_p99','long',0.001,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M4.relative_l2_p99','medium',0.001,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M4.relative_l2_p99','short',0.001,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M5.norm_ratio_worst','all',1.0005,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M5.norm_ratio_worst','long',1.0005,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M5.norm_ratio_worst','medium',1.0005,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'M5.norm_ratio_worst','short',1.0005,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'V1.inf','all',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'V1.inf','long',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'V1.inf','medium',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'V1.inf','short',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'V1.nan','all',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'V1.nan','long',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'V1.nan','medium',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'V1.nan','short',0.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'candidate.end_to_end_seconds','all',2.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'candidate.end_to_end_tokens_per_s','all',250.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'candidate.load_seconds','all',0.3,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'candidate.seconds','all',1.5,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'candidate.tokens_per_s','all',2000.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'candidate.tokens_per_s','long',2000.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'candidate.tokens_per_s','medium',2000.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'candidate.tokens_per_s','short',2000.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'gpu.memory_used_mib','all',1000.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'gpu.power_w','all',300.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'gpu.utilization','all',81.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'reference.end_to_end_seconds','all',2.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'reference.end_to_end_tokens_per_s','all',250.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'reference.load_seconds','all',0.3,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'reference.seconds','all',1.5,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'reference.tokens_per_s','all',1000.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'reference.tokens_per_s','long',1000.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'reference.tokens_per_s','medium',1000.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'reference.tokens_per_s','short',1000.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'speedup.end_to_end','all',1.9,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'speedup.tokens_per_s','all',2.0,10,0,1.8,2.2);
INSERT INTO "metric" VALUES(12,'speedup.tokens_per_s','long',2.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'speedup.tokens_per_s','medium',2.0,10,0,NULL,NULL);
INSERT INTO "metric" VALUES(12,'speedup.tokens_per_s','short',2.0,10,0,NULL,NULL);
CREATE TABLE metric_def (
        name TEXT NOT NULL,
        unit TEXT NOT NULL,
        direction TEXT NOT NULL,
        family TEXT NOT NULL,
        is_primary INTEGER NOT NULL,
        min_effect REAL,
        noise_floor REAL,
        CONSTRAINT pk_metric_def PRIMARY KEY (name),
        CONSTRAINT ck_metric_def_direction CHECK (direction IN ('lower', 'higher', 'target')),
        CONSTRAINT ck_metric_def_family CHECK (family IN ('correctness', 'perf', 'resource', 'distribution')),
        CONSTRAINT ck_metric_def_is_primary CHECK (is_primary IN (0, 1))
    )
     WITHOUT ROWID,
     STRICT;
INSERT INTO "metric_def" VALUES('M1.below','sequences','lower','correctness',0,NULL,NULL);
INSERT INTO "metric_def" VALUES('M1.mean','cosine','higher','correctness',0,NULL,NULL);
INSERT INTO "metric_def" VALUES('M1.min','cosine','higher','correctness',1,NULL,NULL);
INSERT INTO "metric_def" VALUES('M1.p01','cosine','higher','correctness',0,NULL,NULL);
INSERT INTO "metric_def" VALUES('M4.relative_l2_p99','ratio','lower','correctness',0,NULL,NULL);
INSERT INTO "metric_def" VALUES('M5.norm_ratio_worst','ratio','target','correctness',0,NULL,NULL);
INSERT INTO "metric_def" VALUES('V1.inf','sequences','lower','correctness',0,NULL,NULL);
INSERT INTO "metric_def" VALUES('V1.nan','sequences','lower','correctness',0,NULL,NULL);
INSERT INTO "metric_def" VALUES('candidate.end_to_end_seconds','s','lower','perf',0,0.05,NULL);
INSERT INTO "metric_def" VALUES('candidate.end_to_end_tokens_per_s','tokens/s','higher','perf',1,0.05,NULL);
INSERT INTO "metric_def" VALUES('candidate.load_seconds','s','lower','perf',0,0.05,NULL);
INSERT INTO "metric_def" VALUES('candidate.peak_memory_mib','MiB','lower','resource',0,0.02,NULL);
INSERT INTO "metric_def" VALUES('candidate.seconds','s','lower','perf',0,0.05,NULL);
INSERT INTO "metric_def" VALUES('candidate.tokens_per_s','tokens/s','higher','perf',0,0.05,NULL);
INSERT INTO "metric_def" VALUES('gpu.memory_used_mib','MiB','lower','resource',0,0.02,NULL);
INSERT INTO "metric_def" VALUES('gpu.power_w','W','lower','resource',0,NULL,NULL);
INSERT INTO "metric_def" VALUES('gpu.utilization','%','higher','resource',0,5.0,NULL);
INSERT INTO "metric_def" VALUES('reference.end_to_end_seconds','s','lower','perf',0,NULL,NULL);
INSERT INTO "metric_def" VALUES('reference.end_to_end_tokens_per_s','tokens/s','higher','perf',0,NULL,NULL);
INSERT INTO "metric_def" VALUES('reference.load_seconds','s','lower','perf',0,NULL,NULL);
INSERT INTO "metric_def" VALUES('reference.peak_memory_mib','MiB','lower','resource',0,NULL,NULL);
INSERT INTO "metric_def" VALUES('reference.seconds','s','lower','perf',0,NULL,NULL);
INSERT INTO "metric_def" VALUES('reference.tokens_per_s','tokens/s','higher','perf',0,NULL,NULL);
INSERT INTO "metric_def" VALUES('speedup.end_to_end','ratio','higher','perf',0,0.05,NULL);
INSERT INTO "metric_def" VALUES('speedup.tokens_per_s','ratio','higher','perf',0,0.05,NULL);
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
INSERT INTO "model_artifact" VALUES(1,'esm2-8m','','c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3','esm2','esm2',7511801);
INSERT INTO "model_artifact" VALUES(2,'esm2-650m','','d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4','esm2','esm2',7511801);
INSERT INTO "model_artifact" VALUES(3,'facebook/esm2_t6_8M_UR50D','','eaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaea','esm2','esm2',NULL);
CREATE TABLE "run" (
        id INTEGER NOT NULL,
        uuid TEXT NOT NULL,
        name TEXT,
        note TEXT,
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
INSERT INTO "run" VALUES(1,'11111111111111111111111111111111','first',NULL,'completed','fp16 is safe here',NULL,0,'done','esm2-8m','/data/reads.faa','fp16',NULL,'fp32',NULL,NULL,1,1,1,'34e5f56c3172464b5e81a4008141fa83e49e763547ed3b3adab79845ec5c9d85','64678043f943faa99b72e1143f5b8a6396db1131c77241b81a5af5f0e28e6095','cpu',12,12,NULL,'PASS','fp16 is safe here','PASS',2.0,1.9,NULL,NULL,NULL,'host','boot',1,1,1795000060000000,1795000061000000,1795000080000000,1795000080000000,NULL,'{"attention":"auto","device":"auto","fp32_compare":false,"gates":"mission","input":"/data/reads.faa","model":"esm2-8m","name":"first","precision":"fp16","precision_reason":null,"precision_requested":null,"reference":"fp32","sample":10000,"seed":0,"strata":null,"tags":{"gpu":"none","who":"me"},"token_budget":"auto","trust_remote_code":false}','{"candidate_attention": "sdpa", "candidate_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "candidate_precision": "fp16", "compute_capability": null, "cuts": [64, 128], "dataset_sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "device_type": "cpu", "max_residues": 1022, "metrics_version": 1, "pooling": "residues", "reference_attention": "sdpa", "reference_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference_precision": "fp32", "tokenizer": "esm2", "torch": "2.13", "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"candidate_attention": "sdpa", "candidate_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "candidate_precision": "fp16", "compute_capability": null, "cuts": [64, 128], "dataset_sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "device_name": "x86_64", "device_type": "cpu", "flash_attn": null, "max_residues": 1022, "metrics_version": 1, "pooling": "residues", "reference_attention": "sdpa", "reference_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference_precision": "fp32", "schedule": "both arms resident, ABBA", "threads": 1, "tokenizer": "esm2", "torch": "2.13.0+cpu", "transformers": null, "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"alphabet": "protein", "cuts": [64, 128], "lower_case": 0, "n": 12, "n_file": 40, "name": "reads.faa", "path": "/data/reads.faa", "renamed": 0, "rna": 0, "seed": 0, "sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "strata": {"long": 4, "medium": 4, "short": 4}, "tokenizer": "esm2", "tokens": 1200, "truncated": 0, "unknown_letters": {}}','{"alphabet": "protein", "given": "esm2-8m", "heads": 20, "hidden": 320, "kind": "esm2", "layers": 6, "max_residues": 1022, "name": "esm2-8m", "parameters": 7511801, "pooling": "residues", "revision": null, "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"attention": {"candidate": "sdpa", "reference": "sdpa"}, "cores": 2, "cuda": null, "device": "cpu", "device_name": "x86_64", "device_reason": "asked for", "flags": {"candidate": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}}, "os": "Linux-6.1-x86_64", "python": "3.11.7", "schedule": "both arms resident, ABBA", "sqlite": "3.40.1", "threads": 1, "token_budget": 4096, "token_budget_reason": "asked for", "torch": "2.13.0+cpu", "vp_tui": "0.1.0"}','[]','{"candidate": {"attention_kernel": "sdpa", "attention_reason": "auto: float32 on cpu always takes sdpa", "cached": false, "end_to_end_seconds": 2.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp16", "seconds": 1.5, "tokens_per_s": 2000.0}, "reference": {"attention_kernel": "sdpa", "attention_reason": "auto: float32 on cpu always takes sdpa", "cached": false, "end_to_end_seconds": 2.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp32", "seconds": 1.5, "tokens_per_s": 1000.0}}','{"ci95": [1.8, 2.2], "end_to_end": 1.9, "reason": "speed: 2.00x", "tokens_per_s": 2.0, "verdict": "PASS"}','{"M1": {"below": 0, "min": 0.99998, "p01": 0.99999}, "M4": {"relative_l2_p99": 0.001}, "M5": {"norm_ratio_worst": 1.0005}, "V1": {"inf": 0, "nan": 0}, "dominant_dimension": {"index": 3, "share": 0.81}, "gpu_utilization_mean": null, "weights": {"largest": 3.5}}');
INSERT INTO "run" VALUES(2,'22222222222222222222222222222222','second',NULL,'completed','fp16 is safe here',NULL,0,'done','esm2-8m','/data/reads.faa','fp16',NULL,'fp32',NULL,NULL,1,1,1,'34e5f56c3172464b5e81a4008141fa83e49e763547ed3b3adab79845ec5c9d85','64678043f943faa99b72e1143f5b8a6396db1131c77241b81a5af5f0e28e6095','cpu',12,12,NULL,'PASS','fp16 is safe here','PASS',2.0,1.9,NULL,NULL,NULL,'host','boot',1,1,1795000120000000,1795000121000000,1795000140000000,1795000140000000,NULL,'{"attention":"auto","device":"auto","fp32_compare":false,"gates":"mission","input":"/data/reads.faa","model":"esm2-8m","name":"second","precision":"fp16","precision_reason":null,"precision_requested":null,"reference":"fp32","sample":10000,"seed":0,"strata":null,"tags":{},"token_budget":"auto","trust_remote_code":false}','{"candidate_attention": "sdpa", "candidate_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "candidate_precision": "fp16", "compute_capability": null, "cuts": [64, 128], "dataset_sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "device_type": "cpu", "max_residues": 1022, "metrics_version": 1, "pooling": "residues", "reference_attention": "sdpa", "reference_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference_precision": "fp32", "tokenizer": "esm2", "torch": "2.13", "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"candidate_attention": "sdpa", "candidate_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "candidate_precision": "fp16", "compute_capability": null, "cuts": [64, 128], "dataset_sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "device_name": "x86_64", "device_type": "cpu", "flash_attn": null, "max_residues": 1022, "metrics_version": 1, "pooling": "residues", "reference_attention": "sdpa", "reference_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference_precision": "fp32", "schedule": "both arms resident, ABBA", "threads": 1, "tokenizer": "esm2", "torch": "2.13.0+cpu", "transformers": null, "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"alphabet": "protein", "cuts": [64, 128], "lower_case": 0, "n": 12, "n_file": 40, "name": "reads.faa", "path": "/data/reads.faa", "renamed": 0, "rna": 0, "seed": 0, "sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "strata": {"long": 4, "medium": 4, "short": 4}, "tokenizer": "esm2", "tokens": 1200, "truncated": 0, "unknown_letters": {}}','{"alphabet": "protein", "given": "esm2-8m", "heads": 20, "hidden": 320, "kind": "esm2", "layers": 6, "max_residues": 1022, "name": "esm2-8m", "parameters": 7511801, "pooling": "residues", "revision": null, "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"attention": {"candidate": "sdpa", "reference": "sdpa"}, "cores": 2, "cuda": null, "device": "cpu", "device_name": "x86_64", "device_reason": "asked for", "flags": {"candidate": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}}, "os": "Linux-6.1-x86_64", "python": "3.11.7", "schedule": "both arms resident, ABBA", "sqlite": "3.40.1", "threads": 1, "token_budget": 4096, "token_budget_reason": "asked for", "torch": "2.13.0+cpu", "vp_tui": "0.1.0"}','[]','{"candidate": {"attention_kernel": "sdpa", "attention_reason": "auto: float32 on cpu always takes sdpa", "cached": false, "end_to_end_seconds": 2.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp16", "seconds": 1.5, "tokens_per_s": 2000.0}, "reference": {"attention_kernel": "sdpa", "attention_reason": "auto: float32 on cpu always takes sdpa", "cached": false, "end_to_end_seconds": 2.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp32", "seconds": 1.5, "tokens_per_s": 1000.0}}','{"ci95": [1.8, 2.2], "end_to_end": 1.9, "reason": "speed: 2.00x", "tokens_per_s": 2.0, "verdict": "PASS"}','{"M1": {"below": 0, "min": 0.99998, "p01": 0.99999}, "M4": {"relative_l2_p99": 0.001}, "M5": {"norm_ratio_worst": 1.0005}, "V1": {"inf": 0, "nan": 0}, "dominant_dimension": {"index": 3, "share": 0.81}, "gpu_utilization_mean": null, "weights": {"largest": 3.5}}');
INSERT INTO "run" VALUES(3,'33333333333333333333333333333333','broken',NULL,'completed','fp16 is not safe here',NULL,4,'done','esm2-8m','/data/reads.faa','fp16',NULL,'fp32',NULL,NULL,1,1,1,'34e5f56c3172464b5e81a4008141fa83e49e763547ed3b3adab79845ec5c9d85','64678043f943faa99b72e1143f5b8a6396db1131c77241b81a5af5f0e28e6095','cpu',12,12,NULL,'FAIL','fp16 is not safe here','PASS',2.0,1.9,NULL,NULL,NULL,'host','boot',1,1,1795000180000000,1795000181000000,1795000200000000,1795000200000000,NULL,'{"attention":"auto","device":"auto","fp32_compare":false,"gates":"mission","input":"/data/reads.faa","model":"esm2-8m","name":"broken","precision":"fp16","precision_reason":null,"precision_requested":null,"reference":"fp32","sample":10000,"seed":0,"strata":null,"tags":{},"token_budget":"auto","trust_remote_code":false}','{"candidate_attention": "sdpa", "candidate_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "candidate_precision": "fp16", "compute_capability": null, "cuts": [64, 128], "dataset_sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "device_type": "cpu", "max_residues": 1022, "metrics_version": 1, "pooling": "residues", "reference_attention": "sdpa", "reference_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference_precision": "fp32", "tokenizer": "esm2", "torch": "2.13", "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"candidate_attention": "sdpa", "candidate_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "candidate_precision": "fp16", "compute_capability": null, "cuts": [64, 128], "dataset_sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "device_name": "x86_64", "device_type": "cpu", "flash_attn": null, "max_residues": 1022, "metrics_version": 1, "pooling": "residues", "reference_attention": "sdpa", "reference_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference_precision": "fp32", "schedule": "both arms resident, ABBA", "threads": 1, "tokenizer": "esm2", "torch": "2.13.0+cpu", "transformers": null, "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"alphabet": "protein", "cuts": [64, 128], "lower_case": 0, "n": 12, "n_file": 40, "name": "reads.faa", "path": "/data/reads.faa", "renamed": 0, "rna": 0, "seed": 0, "sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "strata": {"long": 4, "medium": 4, "short": 4}, "tokenizer": "esm2", "tokens": 1200, "truncated": 0, "unknown_letters": {}}','{"alphabet": "protein", "given": "esm2-8m", "heads": 20, "hidden": 320, "kind": "esm2", "layers": 6, "max_residues": 1022, "name": "esm2-8m", "parameters": 7511801, "pooling": "residues", "revision": null, "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"attention": {"candidate": "sdpa", "reference": "sdpa"}, "cores": 2, "cuda": null, "device": "cpu", "device_name": "x86_64", "device_reason": "asked for", "flags": {"candidate": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}}, "os": "Linux-6.1-x86_64", "python": "3.11.7", "schedule": "both arms resident, ABBA", "sqlite": "3.40.1", "threads": 1, "token_budget": 4096, "token_budget_reason": "asked for", "torch": "2.13.0+cpu", "vp_tui": "0.1.0"}','[{"gate": "V1", "limit": 0.0, "severity": "fail", "stratum": "long", "text": "too low", "value": 2.0}]','{"candidate": {"attention_kernel": "sdpa", "attention_reason": "auto: float32 on cpu always takes sdpa", "cached": false, "end_to_end_seconds": 2.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp16", "seconds": 1.5, "tokens_per_s": 2000.0}, "reference": {"attention_kernel": "sdpa", "attention_reason": "auto: float32 on cpu always takes sdpa", "cached": false, "end_to_end_seconds": 2.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp32", "seconds": 1.5, "tokens_per_s": 1000.0}}','{"ci95": [1.8, 2.2], "end_to_end": 1.9, "reason": "speed: 2.00x", "tokens_per_s": 2.0, "verdict": "PASS"}','{"M1": {"below": 2, "min": 0.99998, "p01": 0.99999}, "M4": {"relative_l2_p99": 0.001}, "M5": {"norm_ratio_worst": 1.0005}, "V1": {"inf": 0, "nan": 2}, "dominant_dimension": {"index": 3, "share": 0.81}, "gpu_utilization_mean": null, "weights": {"largest": 3.5}}');
INSERT INTO "run" VALUES(4,'44444444444444444444444444444444',NULL,NULL,'completed','fp16 is safe here',NULL,0,'done','esm2-650m','/data/reads.faa','fp16',NULL,'fp32',NULL,NULL,2,2,2,'e323a21d62c1dedcc98a50ce31fa14e26c8c179cb018c46a94973ef090a04881','8319977cc6d61feea237c55f6f03b3d7122eb6b7ee576b4a374db6403de964a8','cuda:0',9,9,NULL,'PASS','fp16 is safe here','PASS',2.0,1.9,NULL,NULL,NULL,'host','boot',1,1,1795000240000000,1795000241000000,1795000260000000,1795000260000000,NULL,'{"attention":"auto","device":"cuda:0","fp32_compare":false,"gates":"mission","input":"/data/reads.faa","model":"esm2-650m","name":null,"precision":"fp16","precision_reason":null,"precision_requested":null,"reference":"fp32","sample":10000,"seed":0,"strata":null,"tags":{"gpu":"h200"},"token_budget":"auto","trust_remote_code":false}','{"candidate_attention": "sdpa", "candidate_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "candidate_precision": "fp16", "compute_capability": null, "cuts": [100, 200], "dataset_sha256": "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2", "device_type": "cuda", "max_residues": 1022, "metrics_version": 1, "pooling": "residues", "reference_attention": "sdpa", "reference_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference_precision": "fp32", "tokenizer": "esm2", "torch": "2.11", "weights_sha256": "d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4"}','{"candidate_attention": "sdpa", "candidate_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "candidate_precision": "fp16", "compute_capability": null, "cuda": "13.0", "cudnn": null, "cuts": [100, 200], "dataset_sha256": "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2", "device_name": "NVIDIA H200", "device_type": "cuda", "driver": "580.95.05", "flash_attn": null, "max_residues": 1022, "metrics_version": 1, "pooling": "residues", "power_limit_w": 700.0, "reference_attention": "sdpa", "reference_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference_precision": "fp32", "schedule": "both arms resident, ABBA", "tokenizer": "esm2", "torch": "2.11.0+cu130", "transformers": null, "weights_sha256": "d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4"}','{"alphabet": "protein", "cuts": [100, 200], "lower_case": 0, "n": 9, "n_file": 40, "name": "long.faa", "path": "/data/long.faa", "renamed": 0, "rna": 0, "seed": 0, "sha256": "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2", "strata": {"long": 3, "medium": 3, "short": 3}, "tokenizer": "esm2", "tokens": 900, "truncated": 0, "unknown_letters": {}}','{"alphabet": "protein", "given": "esm2-650m", "heads": 20, "hidden": 320, "kind": "esm2", "layers": 6, "max_residues": 1022, "name": "esm2-650m", "parameters": 7511801, "pooling": "residues", "revision": null, "weights_sha256": "d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4"}','{"attention": {"candidate": "sdpa", "reference": "sdpa"}, "cores": 2, "cuda": "13.0", "device": "cuda:0", "device_name": "NVIDIA H200", "device_reason": "asked for", "driver": "580.95.05", "flags": {"candidate": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}}, "gpu_uuid": "0a1b2c3d-0000-0000-0000-000000000000", "nvml": null, "os": "Linux-6.1-x86_64", "power_limit_w": 700.0, "python": "3.11.7", "schedule": "both arms resident, ABBA", "sqlite": "3.40.1", "threads": 1, "token_budget": 4096, "token_budget_reason": "asked for", "torch": "2.11.0+cu130", "vp_tui": "0.1.0"}','[]','{"candidate": {"attention_kernel": "sdpa", "attention_reason": "auto: float32 on cpu always takes sdpa", "cached": false, "end_to_end_seconds": 2.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp16", "seconds": 1.5, "tokens_per_s": 2000.0}, "reference": {"attention_kernel": "sdpa", "attention_reason": "auto: float32 on cpu always takes sdpa", "cached": false, "end_to_end_seconds": 2.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp32", "seconds": 1.5, "tokens_per_s": 1000.0}}','{"ci95": [1.8, 2.2], "end_to_end": 1.9, "reason": "speed: 2.00x", "tokens_per_s": 2.0, "verdict": "PASS"}','{"M1": {"below": 0, "min": 0.99998, "p01": 0.99999}, "M4": {"relative_l2_p99": 0.001}, "M5": {"norm_ratio_worst": 1.0005}, "V1": {"inf": 0, "nan": 0}, "dominant_dimension": {"index": 3, "share": 0.81}, "gpu_utilization_mean": 91.5, "weights": {"largest": 3.5}}');
INSERT INTO "run" VALUES(5,'55555555555555555555555555555555','stopped',NULL,'cancelled','stopped on request',NULL,130,'','esm2-8m','/data/reads.faa','fp16',NULL,'fp32',NULL,NULL,1,1,1,'34e5f56c3172464b5e81a4008141fa83e49e763547ed3b3adab79845ec5c9d85','64678043f943faa99b72e1143f5b8a6396db1131c77241b81a5af5f0e28e6095','cpu',0,12,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'host','boot',1,1,1795000300000000,1795000301000000,1795000320000000,1795000320000000,NULL,'{"attention":"auto","device":"auto","fp32_compare":false,"gates":"mission","input":"/data/reads.faa","model":"esm2-8m","name":"stopped","precision":"fp16","precision_reason":null,"precision_requested":null,"reference":"fp32","sample":10000,"seed":0,"strata":null,"tags":{},"token_budget":"auto","trust_remote_code":false}','{"candidate_attention": "sdpa", "candidate_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "candidate_precision": "fp16", "compute_capability": null, "cuts": [64, 128], "dataset_sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "device_type": "cpu", "max_residues": 1022, "metrics_version": 1, "pooling": "residues", "reference_attention": "sdpa", "reference_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference_precision": "fp32", "tokenizer": "esm2", "torch": "2.13", "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"candidate_attention": "sdpa", "candidate_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "candidate_precision": "fp16", "compute_capability": null, "cuts": [64, 128], "dataset_sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "device_name": "x86_64", "device_type": "cpu", "flash_attn": null, "max_residues": 1022, "metrics_version": 1, "pooling": "residues", "reference_attention": "sdpa", "reference_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference_precision": "fp32", "schedule": "both arms resident, ABBA", "threads": 1, "tokenizer": "esm2", "torch": "2.13.0+cpu", "transformers": null, "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"alphabet": "protein", "cuts": [64, 128], "lower_case": 0, "n": 12, "n_file": 40, "name": "reads.faa", "path": "/data/reads.faa", "renamed": 0, "rna": 0, "seed": 0, "sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "strata": {"long": 4, "medium": 4, "short": 4}, "tokenizer": "esm2", "tokens": 1200, "truncated": 0, "unknown_letters": {}}','{"alphabet": "protein", "given": "esm2-8m", "heads": 20, "hidden": 320, "kind": "esm2", "layers": 6, "max_residues": 1022, "name": "esm2-8m", "parameters": 7511801, "pooling": "residues", "revision": null, "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"attention": {"candidate": "sdpa", "reference": "sdpa"}, "cores": 2, "cuda": null, "device": "cpu", "device_name": "x86_64", "device_reason": "asked for", "flags": {"candidate": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}}, "os": "Linux-6.1-x86_64", "python": "3.11.7", "schedule": "both arms resident, ABBA", "sqlite": "3.40.1", "threads": 1, "token_budget": 4096, "token_budget_reason": "asked for", "torch": "2.13.0+cpu", "vp_tui": "0.1.0"}',NULL,NULL,NULL,NULL);
INSERT INTO "run" VALUES(6,'66666666666666666666666666666666','no weights',NULL,'failed','no weights in the folder','ModelError',2,'reading','esm2-8m','/data/reads.faa','fp16',NULL,'fp32',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'cpu',0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'host','boot',1,1,1795000360000000,NULL,1795000380000000,1795000380000000,NULL,'{"attention":"auto","device":"auto","fp32_compare":false,"gates":"mission","input":"/data/reads.faa","model":"esm2-8m","name":"no weights","precision":"fp16","precision_reason":null,"precision_requested":null,"reference":"fp32","sample":10000,"seed":0,"strata":null,"tags":{},"token_budget":"auto","trust_remote_code":false}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "run" VALUES(7,'77777777777777777777777777777777','killed',NULL,'interrupted','the worker (pid 7) is gone without a last word',NULL,7,'','esm2-8m','/data/reads.faa','fp16',NULL,'fp32',NULL,NULL,1,1,1,'34e5f56c3172464b5e81a4008141fa83e49e763547ed3b3adab79845ec5c9d85','64678043f943faa99b72e1143f5b8a6396db1131c77241b81a5af5f0e28e6095','cpu',0,12,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'host','boot',1,1,1795000420000000,1795000421000000,1795000440000000,1795000440000000,NULL,'{"attention":"auto","device":"auto","fp32_compare":false,"gates":"mission","input":"/data/reads.faa","model":"esm2-8m","name":"killed","precision":"fp16","precision_reason":null,"precision_requested":null,"reference":"fp32","sample":10000,"seed":0,"strata":null,"tags":{},"token_budget":"auto","trust_remote_code":false}','{"candidate_attention": "sdpa", "candidate_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "candidate_precision": "fp16", "compute_capability": null, "cuts": [64, 128], "dataset_sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "device_type": "cpu", "max_residues": 1022, "metrics_version": 1, "pooling": "residues", "reference_attention": "sdpa", "reference_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference_precision": "fp32", "tokenizer": "esm2", "torch": "2.13", "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"candidate_attention": "sdpa", "candidate_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "candidate_precision": "fp16", "compute_capability": null, "cuts": [64, 128], "dataset_sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "device_name": "x86_64", "device_type": "cpu", "flash_attn": null, "max_residues": 1022, "metrics_version": 1, "pooling": "residues", "reference_attention": "sdpa", "reference_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference_precision": "fp32", "schedule": "both arms resident, ABBA", "threads": 1, "tokenizer": "esm2", "torch": "2.13.0+cpu", "transformers": null, "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"alphabet": "protein", "cuts": [64, 128], "lower_case": 0, "n": 12, "n_file": 40, "name": "reads.faa", "path": "/data/reads.faa", "renamed": 0, "rna": 0, "seed": 0, "sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "strata": {"long": 4, "medium": 4, "short": 4}, "tokenizer": "esm2", "tokens": 1200, "truncated": 0, "unknown_letters": {}}','{"alphabet": "protein", "given": "esm2-8m", "heads": 20, "hidden": 320, "kind": "esm2", "layers": 6, "max_residues": 1022, "name": "esm2-8m", "parameters": 7511801, "pooling": "residues", "revision": null, "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"attention": {"candidate": "sdpa", "reference": "sdpa"}, "cores": 2, "cuda": null, "device": "cpu", "device_name": "x86_64", "device_reason": "asked for", "flags": {"candidate": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}}, "os": "Linux-6.1-x86_64", "python": "3.11.7", "schedule": "both arms resident, ABBA", "sqlite": "3.40.1", "threads": 1, "token_budget": 4096, "token_budget_reason": "asked for", "torch": "2.13.0+cpu", "vp_tui": "0.1.0"}',NULL,NULL,NULL,NULL);
INSERT INTO "run" VALUES(8,'88888888888888888888888888888888','going',NULL,'running',NULL,NULL,NULL,'','esm2-8m','/data/reads.faa','fp16',NULL,'fp32',NULL,NULL,1,1,1,'34e5f56c3172464b5e81a4008141fa83e49e763547ed3b3adab79845ec5c9d85','64678043f943faa99b72e1143f5b8a6396db1131c77241b81a5af5f0e28e6095','cpu',0,12,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'host','boot',1,1,1795000480000000,1795000481000000,1795000500000000,NULL,NULL,'{"attention":"auto","device":"auto","fp32_compare":false,"gates":"mission","input":"/data/reads.faa","model":"esm2-8m","name":"going","precision":"fp16","precision_reason":null,"precision_requested":null,"reference":"fp32","sample":10000,"seed":0,"strata":null,"tags":{},"token_budget":"auto","trust_remote_code":false}','{"candidate_attention": "sdpa", "candidate_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "candidate_precision": "fp16", "compute_capability": null, "cuts": [64, 128], "dataset_sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "device_type": "cpu", "max_residues": 1022, "metrics_version": 1, "pooling": "residues", "reference_attention": "sdpa", "reference_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference_precision": "fp32", "tokenizer": "esm2", "torch": "2.13", "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"candidate_attention": "sdpa", "candidate_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "candidate_precision": "fp16", "compute_capability": null, "cuts": [64, 128], "dataset_sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "device_name": "x86_64", "device_type": "cpu", "flash_attn": null, "max_residues": 1022, "metrics_version": 1, "pooling": "residues", "reference_attention": "sdpa", "reference_flags": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference_precision": "fp32", "schedule": "both arms resident, ABBA", "threads": 1, "tokenizer": "esm2", "torch": "2.13.0+cpu", "transformers": null, "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"alphabet": "protein", "cuts": [64, 128], "lower_case": 0, "n": 12, "n_file": 40, "name": "reads.faa", "path": "/data/reads.faa", "renamed": 0, "rna": 0, "seed": 0, "sha256": "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1", "strata": {"long": 4, "medium": 4, "short": 4}, "tokenizer": "esm2", "tokens": 1200, "truncated": 0, "unknown_letters": {}}','{"alphabet": "protein", "given": "esm2-8m", "heads": 20, "hidden": 320, "kind": "esm2", "layers": 6, "max_residues": 1022, "name": "esm2-8m", "parameters": 7511801, "pooling": "residues", "revision": null, "weights_sha256": "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"}','{"attention": {"candidate": "sdpa", "reference": "sdpa"}, "cores": 2, "cuda": null, "device": "cpu", "device_name": "x86_64", "device_reason": "asked for", "flags": {"candidate": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}, "reference": {"cuda_matmul": "ieee", "cudnn_conv": "ieee", "mkldnn_matmul": "ieee"}}, "os": "Linux-6.1-x86_64", "python": "3.11.7", "schedule": "both arms resident, ABBA", "sqlite": "3.40.1", "threads": 1, "token_budget": 4096, "token_budget_reason": "asked for", "torch": "2.13.0+cpu", "vp_tui": "0.1.0"}',NULL,NULL,NULL,NULL);
INSERT INTO "run" VALUES(9,'99999999999999999999999999999999','waiting',NULL,'queued',NULL,NULL,NULL,'','esm2-8m','/data/reads.faa','fp16',NULL,'fp32',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'host','boot',1,1,1795000540000000,NULL,NULL,NULL,NULL,'{"attention":"auto","device":"auto","fp32_compare":false,"gates":"mission","input":"/data/reads.faa","model":"esm2-8m","name":"waiting","precision":"fp16","precision_reason":null,"precision_requested":null,"reference":"fp32","sample":10000,"seed":0,"strata":null,"tags":{},"token_budget":"auto","trust_remote_code":false}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "run" VALUES(10,'56351e1682bc4013a70f5d9d1abb22fe',NULL,NULL,'completed','fp16 is safe here',NULL,0,'done','esm2-8m','/data/reads.faa','fp16',NULL,'fp32',1,0,3,3,1,'843157e713549f59986fdda64fd3c82f7026039bdb8bc88abfe5e69a91c9725f','42c05595f7c675655260af6f070be037aa93ab3e52ace0d279bb293eeb9e988f','cpu',30,30,NULL,'PASS','fp16 is safe here','PASS',2.0,1.9,NULL,NULL,NULL,'host','boot',1,1,1795468600394395,1795468600474210,1795468600498250,1795468600497433,NULL,'{"attention": "auto", "device": "auto", "fault": null, "fp32_compare": false, "gates": "mission", "input": "/data/reads.faa", "model": "esm2-8m", "name": null, "oracle": 64, "precision": "fp16", "precision_reason": null, "precision_requested": null, "reference": "fp32", "sample": 10000, "seed": 0, "strata": null, "tags": {}, "thresholds": {"centred_cosine_fail": 0.99, "centred_cosine_p01_warn": 0.999, "centred_l2_p99_fail": 0.03, "centred_l2_p99_warn": 0.015, "consensus_fail": 0.98, "consensus_warn": 0.995, "cosine_fail": 0.99, "cosine_p01_warn": 0.999, "flip_band": 0.05, "gpu_utilization": 80.0, "headroom_bits_fail": 1.0, "headroom_bits_warn": 3.0, "kernel_ratio_fail": 2.0, "kernel_ratio_warn": 1.5, "knn_overlap_fail": 0.95, "knn_overlap_warn": 0.98, "ks_distance": 0.05, "label_agreement_fail": 0.99, "label_agreement_warn": 0.999, "match_rate": 0.99, "mean_shift_fail": 0.1, "mean_shift_warn": 0.05, "nearest_agreement": 0.99, "noise_floor": 0.0001, "norm_ratio_fail": 0.005, "norm_ratio_warn": 0.001, "outlier_share": 0.001, "probability_shift_max": 0.01, "probability_shift_mean": 0.01, "reference_bits": 15.0, "reference_error_invalid": 0.0001, "reference_error_warn": 1e-05, "relative_l2_floor": 0.002, "relative_l2_p99_fail": 0.01, "relative_l2_p99_warn": 0.005, "relative_l2_spread": 10.0, "rounding_ratio_fail": 1.75, "rounding_ratio_warn": 1.5, "speedup": 1.8, "standardized_cosine_fail": 0.98, "standardized_cosine_p01_warn": 0.998, "std_ratio_fail": 0.05, "std_ratio_warn": 0.02, "structure_similarity": 0.999, "subnormal_share": 0.01, "systematic_ratio": 2.5, "token_cosine_min_warn": 0.98, "token_cosine_p001_fail": 0.98}, "token_budget": "auto", "trust_remote_code": false}','{"candidate_attention": null, "candidate_flags": null, "candidate_precision": "fp16", "compute_capability": null, "cuts": [64, 128], "dataset_sha256": "dadadadadadadadadadadadadadadadadadadadadadadadadadadadadadadada", "device_type": "cpu", "max_residues": null, "metrics_version": 1, "pooling": "residues", "reference_attention": null, "reference_flags": null, "reference_precision": "fp32", "tokenizer": "esm2", "torch": "2.13", "weights_sha256": "eaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaea"}','{"candidate_attention": null, "candidate_flags": null, "candidate_precision": "fp16", "compute_capability": null, "cuts": [64, 128], "dataset_sha256": "dadadadadadadadadadadadadadadadadadadadadadadadadadadadadadadada", "device_name": "x86_64", "device_type": "cpu", "flash_attn": null, "max_residues": null, "metrics_version": 1, "pooling": "residues", "reference_attention": null, "reference_flags": null, "reference_precision": "fp32", "schedule": "ABBA", "threads": 1, "tokenizer": "esm2", "torch": "2.13.0+cpu", "transformers": null, "weights_sha256": "eaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaea"}','{"cuts": [64, 128], "n": 30, "name": "reads.faa", "seed": 0, "sha256": "dadadadadadadadadadadadadadadadadadadadadadadadadadadadadadadada", "strata": {"long": 10, "medium": 10, "short": 10}, "tokenizer": "esm2"}','{"kind": "esm2", "name": "facebook/esm2_t6_8M_UR50D", "pooling": "residues", "weights_sha256": "eaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaea"}','{"device": "cpu", "device_name": "x86_64", "schedule": "ABBA", "threads": 1, "torch": "2.13.0+cpu"}','[]','{"candidate": {"attention_kernel": "sdpa", "attention_reason": "auto", "cached": false, "end_to_end_seconds": 32.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp16", "seconds": 30.0, "tokens_per_s": 1000.0}, "reference": {"attention_kernel": "sdpa", "attention_reason": "auto", "cached": false, "end_to_end_seconds": 64.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp32", "seconds": 60.0, "tokens_per_s": 500.0}}','{"ci95": null, "end_to_end": 1.9, "reason": "fast", "tokens_per_s": 2.0, "verdict": "PASS"}','{}');
INSERT INTO "run" VALUES(11,'f217cff0de17492b8ae5d9f96e89f61e',NULL,NULL,'completed','fp16 is safe here',NULL,0,'done','esm2-8m','/data/reads.faa','fp16',NULL,'fp32',1,1,3,3,1,'843157e713549f59986fdda64fd3c82f7026039bdb8bc88abfe5e69a91c9725f','42c05595f7c675655260af6f070be037aa93ab3e52ace0d279bb293eeb9e988f','cpu',30,30,NULL,'PASS','fp16 is safe here','PASS',2.0,1.9,NULL,NULL,NULL,'host','boot',1,1,1795468600514503,1795468600569664,1795468600586006,1795468600585233,NULL,'{"attention": "auto", "device": "auto", "fault": null, "fp32_compare": false, "gates": "mission", "input": "/data/reads.faa", "model": "esm2-8m", "name": null, "oracle": 64, "precision": "fp16", "precision_reason": null, "precision_requested": null, "reference": "fp32", "sample": 10000, "seed": 0, "strata": null, "tags": {}, "thresholds": {"centred_cosine_fail": 0.99, "centred_cosine_p01_warn": 0.999, "centred_l2_p99_fail": 0.03, "centred_l2_p99_warn": 0.015, "consensus_fail": 0.98, "consensus_warn": 0.995, "cosine_fail": 0.99, "cosine_p01_warn": 0.999, "flip_band": 0.05, "gpu_utilization": 80.0, "headroom_bits_fail": 1.0, "headroom_bits_warn": 3.0, "kernel_ratio_fail": 2.0, "kernel_ratio_warn": 1.5, "knn_overlap_fail": 0.95, "knn_overlap_warn": 0.98, "ks_distance": 0.05, "label_agreement_fail": 0.99, "label_agreement_warn": 0.999, "match_rate": 0.99, "mean_shift_fail": 0.1, "mean_shift_warn": 0.05, "nearest_agreement": 0.99, "noise_floor": 0.0001, "norm_ratio_fail": 0.005, "norm_ratio_warn": 0.001, "outlier_share": 0.001, "probability_shift_max": 0.01, "probability_shift_mean": 0.01, "reference_bits": 15.0, "reference_error_invalid": 0.0001, "reference_error_warn": 1e-05, "relative_l2_floor": 0.002, "relative_l2_p99_fail": 0.01, "relative_l2_p99_warn": 0.005, "relative_l2_spread": 10.0, "rounding_ratio_fail": 1.75, "rounding_ratio_warn": 1.5, "speedup": 1.8, "standardized_cosine_fail": 0.98, "standardized_cosine_p01_warn": 0.998, "std_ratio_fail": 0.05, "std_ratio_warn": 0.02, "structure_similarity": 0.999, "subnormal_share": 0.01, "systematic_ratio": 2.5, "token_cosine_min_warn": 0.98, "token_cosine_p001_fail": 0.98}, "token_budget": "auto", "trust_remote_code": false}','{"candidate_attention": null, "candidate_flags": null, "candidate_precision": "fp16", "compute_capability": null, "cuts": [64, 128], "dataset_sha256": "dadadadadadadadadadadadadadadadadadadadadadadadadadadadadadadada", "device_type": "cpu", "max_residues": null, "metrics_version": 1, "pooling": "residues", "reference_attention": null, "reference_flags": null, "reference_precision": "fp32", "tokenizer": "esm2", "torch": "2.13", "weights_sha256": "eaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaea"}','{"candidate_attention": null, "candidate_flags": null, "candidate_precision": "fp16", "compute_capability": null, "cuts": [64, 128], "dataset_sha256": "dadadadadadadadadadadadadadadadadadadadadadadadadadadadadadadada", "device_name": "x86_64", "device_type": "cpu", "flash_attn": null, "max_residues": null, "metrics_version": 1, "pooling": "residues", "reference_attention": null, "reference_flags": null, "reference_precision": "fp32", "schedule": "ABBA", "threads": 1, "tokenizer": "esm2", "torch": "2.13.0+cpu", "transformers": null, "weights_sha256": "eaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaea"}','{"cuts": [64, 128], "n": 30, "name": "reads.faa", "seed": 0, "sha256": "dadadadadadadadadadadadadadadadadadadadadadadadadadadadadadadada", "strata": {"long": 10, "medium": 10, "short": 10}, "tokenizer": "esm2"}','{"kind": "esm2", "name": "facebook/esm2_t6_8M_UR50D", "pooling": "residues", "weights_sha256": "eaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaeaea"}','{"device": "cpu", "device_name": "x86_64", "schedule": "ABBA", "threads": 1, "torch": "2.13.0+cpu"}','[]','{"candidate": {"attention_kernel": "sdpa", "attention_reason": "auto", "cached": false, "end_to_end_seconds": 32.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp16", "seconds": 30.0, "tokens_per_s": 1000.0}, "reference": {"attention_kernel": "sdpa", "attention_reason": "auto", "cached": false, "end_to_end_seconds": 64.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp32", "seconds": 60.0, "tokens_per_s": 500.0}}','{"ci95": null, "end_to_end": 1.9, "reason": "fast", "tokens_per_s": 2.0, "verdict": "PASS"}','{}');
INSERT INTO "run" VALUES(12,'42246490c7cc4fef9325bc454db49fae',NULL,NULL,'completed','fp16 is safe here',NULL,0,'done','esm2-8m','/data/reads.faa','fp16',NULL,'fp32',NULL,NULL,NULL,NULL,3,NULL,NULL,'cuda:0',0,30,NULL,'PASS','fp16 is safe here','PASS',2.0,1.9,NULL,NULL,NULL,'host','boot',1,1,1795468600634370,1795468600713863,1795468600730125,1795468600729331,NULL,'{"attention": "auto", "device": "auto", "fault": null, "fp32_compare": false, "gates": "mission", "input": "/data/reads.faa", "model": "esm2-8m", "name": null, "oracle": 64, "precision": "fp16", "precision_reason": null, "precision_requested": null, "reference": "fp32", "sample": 10000, "seed": 0, "strata": null, "tags": {}, "thresholds": {"centred_cosine_fail": 0.99, "centred_cosine_p01_warn": 0.999, "centred_l2_p99_fail": 0.03, "centred_l2_p99_warn": 0.015, "consensus_fail": 0.98, "consensus_warn": 0.995, "cosine_fail": 0.99, "cosine_p01_warn": 0.999, "flip_band": 0.05, "gpu_utilization": 80.0, "headroom_bits_fail": 1.0, "headroom_bits_warn": 3.0, "kernel_ratio_fail": 2.0, "kernel_ratio_warn": 1.5, "knn_overlap_fail": 0.95, "knn_overlap_warn": 0.98, "ks_distance": 0.05, "label_agreement_fail": 0.99, "label_agreement_warn": 0.999, "match_rate": 0.99, "mean_shift_fail": 0.1, "mean_shift_warn": 0.05, "nearest_agreement": 0.99, "noise_floor": 0.0001, "norm_ratio_fail": 0.005, "norm_ratio_warn": 0.001, "outlier_share": 0.001, "probability_shift_max": 0.01, "probability_shift_mean": 0.01, "reference_bits": 15.0, "reference_error_invalid": 0.0001, "reference_error_warn": 1e-05, "relative_l2_floor": 0.002, "relative_l2_p99_fail": 0.01, "relative_l2_p99_warn": 0.005, "relative_l2_spread": 10.0, "rounding_ratio_fail": 1.75, "rounding_ratio_warn": 1.5, "speedup": 1.8, "standardized_cosine_fail": 0.98, "standardized_cosine_p01_warn": 0.998, "std_ratio_fail": 0.05, "std_ratio_warn": 0.02, "structure_similarity": 0.999, "subnormal_share": 0.01, "systematic_ratio": 2.5, "token_cosine_min_warn": 0.98, "token_cosine_p001_fail": 0.98}, "token_budget": "auto", "trust_remote_code": false}','{"candidate_attention": null, "candidate_flags": null, "candidate_precision": "fp16", "compute_capability": null, "cuts": null, "dataset_sha256": null, "device_type": "cuda", "max_residues": null, "metrics_version": 1, "pooling": null, "reference_attention": null, "reference_flags": null, "reference_precision": "fp32", "tokenizer": null, "torch": "2.13", "weights_sha256": null}','{"candidate_attention": null, "candidate_flags": null, "candidate_precision": "fp16", "compute_capability": null, "cuda": null, "cudnn": null, "cuts": null, "dataset_sha256": null, "device_name": "NVIDIA H200", "device_type": "cuda", "driver": "580.95.05", "flash_attn": null, "max_residues": null, "metrics_version": 1, "pooling": null, "power_limit_w": null, "reference_attention": null, "reference_flags": null, "reference_precision": "fp32", "schedule": null, "tokenizer": null, "torch": "2.13.0+cu130", "transformers": null, "weights_sha256": null}','{"n": 30}','{"name": "esm2"}','{"device": "cuda:0", "device_name": "NVIDIA H200", "driver": "580.95.05", "torch": "2.13.0+cu130"}','[]','{"candidate": {"attention_kernel": "sdpa", "attention_reason": "auto: float32 on cpu always takes sdpa", "cached": false, "end_to_end_seconds": 2.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp16", "seconds": 1.5, "tokens_per_s": 2000.0}, "reference": {"attention_kernel": "sdpa", "attention_reason": "auto: float32 on cpu always takes sdpa", "cached": false, "end_to_end_seconds": 2.0, "load_seconds": 0.3, "peak_memory_mib": null, "precision": "fp32", "seconds": 1.5, "tokens_per_s": 1000.0}}','{"ci95": [1.8, 2.2], "end_to_end": 1.9, "reason": "speed: 2.00x", "tokens_per_s": 2.0, "verdict": "PASS"}','{"M1": {"min": 0.99999}}');
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
INSERT INTO "run_event" VALUES(23,10,1795468600446537,'queued','starting','run',NULL);
INSERT INTO "run_event" VALUES(24,10,1795468600474910,'starting','running','run',NULL);
INSERT INTO "run_event" VALUES(25,10,1795468600497433,'running','completed','run','fp16 is safe here');
INSERT INTO "run_event" VALUES(26,11,1795468600542386,'queued','starting','run',NULL);
INSERT INTO "run_event" VALUES(27,11,1795468600570537,'starting','running','run',NULL);
INSERT INTO "run_event" VALUES(28,11,1795468600585233,'running','completed','run','fp16 is safe here');
INSERT INTO "run_event" VALUES(29,12,1795468600682616,'queued','starting','run',NULL);
INSERT INTO "run_event" VALUES(30,12,1795468600714551,'starting','running','run',NULL);
INSERT INTO "run_event" VALUES(31,12,1795468600729331,'running','completed','run','fp16 is safe here');
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
        CONSTRAINT ck_run_group_kind CHECK (kind IN ('validate', 'fp32_compare', 'search', 'aa_calibration')),
        CONSTRAINT ck_run_group_repeats CHECK (repeats > 0),
        CONSTRAINT ck_run_group_order_json_is_json CHECK (order_json IS NULL OR json_valid(order_json)),
        CONSTRAINT uq_run_group_uuid UNIQUE (uuid)
    )
     STRICT;
INSERT INTO "run_group" VALUES(1,'9425ab665da04f8482a311e61ce9c990','validate','pair',2,'["A", "B"]','n',1795468600372953);
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
        inf_count INTEGER NOT NULL, seq_hash INTEGER,
        CONSTRAINT pk_sequence_result PRIMARY KEY (run_id, seq_idx),
        CONSTRAINT ck_sequence_result_cosine CHECK (cosine BETWEEN -1.0001 AND 1.0001),
        CONSTRAINT fk_sequence_result_run_id_run FOREIGN KEY(run_id) REFERENCES run (id) ON DELETE CASCADE
    )
     WITHOUT ROWID,
     STRICT;
INSERT INTO "sequence_result" VALUES(1,0,'protein0','short',50,0.99999,0.001,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(1,1,'protein1','medium',50,0.999989,0.00101,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(1,2,'protein2','long',50,9.99988000000000099021e-01,0.00102,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(1,3,'it''s; a name','short',50,9.99987000000000070265e-01,0.00103,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(1,4,'protein4','medium',50,0.999986,1.04000000000000012573e-03,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(1,5,'protein5','long',50,0.999985,0.00105,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(1,6,'protein6','short',50,9.9998400000000009502e-01,0.00106,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(1,7,'protein7','medium',50,9.99983000000000066265e-01,0.00107,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(1,8,'protein8','long',50,0.999982,0.00108,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(1,9,'protein9','short',50,0.999981,0.00109,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(1,10,'protein10','medium',50,9.9998000000000009102e-01,0.0011,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(1,11,'protein11','long',50,9.99979000000000062264e-01,0.00111,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(2,0,'protein0','short',50,0.99999,0.001,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(2,1,'protein1','medium',50,0.999989,0.00101,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(2,2,'protein2','long',50,9.99988000000000099021e-01,0.00102,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(2,3,'it''s; a name','short',50,9.99987000000000070265e-01,0.00103,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(2,4,'protein4','medium',50,0.999986,1.04000000000000012573e-03,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(2,5,'protein5','long',50,0.999985,0.00105,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(2,6,'protein6','short',50,9.9998400000000009502e-01,0.00106,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(2,7,'protein7','medium',50,9.99983000000000066265e-01,0.00107,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(2,8,'protein8','long',50,0.999982,0.00108,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(2,9,'protein9','short',50,0.999981,0.00109,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(2,10,'protein10','medium',50,9.9998000000000009102e-01,0.0011,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(2,11,'protein11','long',50,9.99979000000000062264e-01,0.00111,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(3,0,'protein0','short',50,NULL,NULL,NULL,7,0,NULL);
INSERT INTO "sequence_result" VALUES(3,1,'protein1','medium',50,0.999989,0.00101,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(3,2,'protein2','long',50,9.99988000000000099021e-01,0.00102,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(3,3,'it''s; a name','short',50,NULL,NULL,NULL,7,0,NULL);
INSERT INTO "sequence_result" VALUES(3,4,'protein4','medium',50,0.999986,1.04000000000000012573e-03,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(3,5,'protein5','long',50,0.999985,0.00105,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(3,6,'protein6','short',50,9.9998400000000009502e-01,0.00106,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(3,7,'protein7','medium',50,9.99983000000000066265e-01,0.00107,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(3,8,'protein8','long',50,0.999982,0.00108,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(3,9,'protein9','short',50,0.999981,0.00109,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(3,10,'protein10','medium',50,9.9998000000000009102e-01,0.0011,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(3,11,'protein11','long',50,9.99979000000000062264e-01,0.00111,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(4,0,'protein0','short',50,0.99999,0.001,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(4,1,'protein1','medium',50,0.999989,0.00101,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(4,2,'protein2','long',50,9.99988000000000099021e-01,0.00102,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(4,3,'it''s; a name','short',50,9.99987000000000070265e-01,0.00103,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(4,4,'protein4','medium',50,0.999986,1.04000000000000012573e-03,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(4,5,'protein5','long',50,0.999985,0.00105,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(4,6,'protein6','short',50,9.9998400000000009502e-01,0.00106,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(4,7,'protein7','medium',50,9.99983000000000066265e-01,0.00107,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(4,8,'protein8','long',50,0.999982,0.00108,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(5,0,'protein0','short',50,0.99999,0.001,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(5,1,'protein1','medium',50,0.999989,0.00101,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(5,2,'protein2','long',50,9.99988000000000099021e-01,0.00102,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(5,3,'it''s; a name','short',50,9.99987000000000070265e-01,0.00103,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(7,0,'protein0','short',50,0.99999,0.001,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(7,1,'protein1','medium',50,0.999989,0.00101,1.0,0,0,NULL);
INSERT INTO "sequence_result" VALUES(10,0,'protein0','short',50,0.99999,0.001,1.0,0,0,100);
INSERT INTO "sequence_result" VALUES(10,1,'protein1','short',50,9.99989900000000098145e-01,0.001,1.0,0,0,101);
INSERT INTO "sequence_result" VALUES(10,2,'protein2','short',50,0.9999898,0.001,1.0,0,0,102);
INSERT INTO "sequence_result" VALUES(10,3,'protein3','short',50,9.99989700000000092394e-01,0.001,1.0,0,0,103);
INSERT INTO "sequence_result" VALUES(10,4,'protein4','short',50,0.9999896,0.001,1.0,0,0,104);
INSERT INTO "sequence_result" VALUES(10,5,'protein5','short',50,9.99989500000000086643e-01,0.001,1.0,0,0,105);
INSERT INTO "sequence_result" VALUES(10,6,'protein6','short',50,0.9999894,0.001,1.0,0,0,106);
INSERT INTO "sequence_result" VALUES(10,7,'protein7','short',50,9.99989300000000080892e-01,0.001,1.0,0,0,107);
INSERT INTO "sequence_result" VALUES(10,8,'protein8','short',50,0.9999892,0.001,1.0,0,0,108);
INSERT INTO "sequence_result" VALUES(10,9,'protein9','short',50,9.99989100000000075141e-01,0.001,1.0,0,0,109);
INSERT INTO "sequence_result" VALUES(10,10,'protein10','medium',50,0.999989,0.001,1.0,0,0,110);
INSERT INTO "sequence_result" VALUES(10,11,'protein11','medium',50,9.9998890000000006939e-01,0.001,1.0,0,0,111);
INSERT INTO "sequence_result" VALUES(10,12,'protein12','medium',50,0.9999888,0.001,1.0,0,0,112);
INSERT INTO "sequence_result" VALUES(10,13,'protein13','medium',50,9.99988700000000063639e-01,0.001,1.0,0,0,113);
INSERT INTO "sequence_result" VALUES(10,14,'protein14','medium',50,0.9999886,0.001,1.0,0,0,114);
INSERT INTO "sequence_result" VALUES(10,15,'protein15','medium',50,9.99988500000000057887e-01,0.001,1.0,0,0,115);
INSERT INTO "sequence_result" VALUES(10,16,'protein16','medium',50,0.9999884,0.001,1.0,0,0,116);
INSERT INTO "sequence_result" VALUES(10,17,'protein17','medium',50,0.9999883,0.001,1.0,0,0,117);
INSERT INTO "sequence_result" VALUES(10,18,'protein18','medium',50,0.9999882,0.001,1.0,0,0,118);
INSERT INTO "sequence_result" VALUES(10,19,'protein19','medium',50,0.9999881,0.001,1.0,0,0,119);
INSERT INTO "sequence_result" VALUES(10,20,'protein20','long',50,9.99988000000000099021e-01,0.001,1.0,0,0,120);
INSERT INTO "sequence_result" VALUES(10,21,'protein21','long',50,0.9999879,0.001,1.0,0,0,121);
INSERT INTO "sequence_result" VALUES(10,22,'protein22','long',50,9.9998780000000009327e-01,0.001,1.0,0,0,122);
INSERT INTO "sequence_result" VALUES(10,23,'protein23','long',50,0.9999877,0.001,1.0,0,0,123);
INSERT INTO "sequence_result" VALUES(10,24,'protein24','long',50,9.99987600000000087518e-01,0.001,1.0,0,0,124);
INSERT INTO "sequence_result" VALUES(10,25,'protein25','long',50,0.9999875,0.001,1.0,0,0,125);
INSERT INTO "sequence_result" VALUES(10,26,'protein26','long',50,9.99987400000000081767e-01,0.001,1.0,0,0,126);
INSERT INTO "sequence_result" VALUES(10,27,'protein27','long',50,0.9999873,0.001,1.0,0,0,127);
INSERT INTO "sequence_result" VALUES(10,28,'protein28','long',50,9.99987200000000076016e-01,0.001,1.0,0,0,128);
INSERT INTO "sequence_result" VALUES(10,29,'protein29','long',50,0.9999871,0.001,1.0,0,0,129);
INSERT INTO "sequence_result" VALUES(11,0,'protein0','short',50,0.99999,0.001,1.0,0,0,100);
INSERT INTO "sequence_result" VALUES(11,1,'protein1','short',50,9.99989900000000098145e-01,0.001,1.0,0,0,101);
INSERT INTO "sequence_result" VALUES(11,2,'protein2','short',50,0.9999898,0.001,1.0,0,0,102);
INSERT INTO "sequence_result" VALUES(11,3,'protein3','short',50,9.99989700000000092394e-01,0.001,1.0,0,0,103);
INSERT INTO "sequence_result" VALUES(11,4,'protein4','short',50,0.9999896,0.001,1.0,0,0,104);
INSERT INTO "sequence_result" VALUES(11,5,'protein5','short',50,9.99989500000000086643e-01,0.001,1.0,0,0,105);
INSERT INTO "sequence_result" VALUES(11,6,'protein6','short',50,0.9999894,0.001,1.0,0,0,106);
INSERT INTO "sequence_result" VALUES(11,7,'protein7','short',50,9.99989300000000080892e-01,0.001,1.0,0,0,107);
INSERT INTO "sequence_result" VALUES(11,8,'protein8','short',50,0.9999892,0.001,1.0,0,0,108);
INSERT INTO "sequence_result" VALUES(11,9,'protein9','short',50,9.99989100000000075141e-01,0.001,1.0,0,0,109);
INSERT INTO "sequence_result" VALUES(11,10,'protein10','medium',50,0.999989,0.001,1.0,0,0,110);
INSERT INTO "sequence_result" VALUES(11,11,'protein11','medium',50,9.9998890000000006939e-01,0.001,1.0,0,0,111);
INSERT INTO "sequence_result" VALUES(11,12,'protein12','medium',50,0.9999888,0.001,1.0,0,0,112);
INSERT INTO "sequence_result" VALUES(11,13,'protein13','medium',50,9.99988700000000063639e-01,0.001,1.0,0,0,113);
INSERT INTO "sequence_result" VALUES(11,14,'protein14','medium',50,0.9999886,0.001,1.0,0,0,114);
INSERT INTO "sequence_result" VALUES(11,15,'protein15','medium',50,9.99988500000000057887e-01,0.001,1.0,0,0,115);
INSERT INTO "sequence_result" VALUES(11,16,'protein16','medium',50,0.9999884,0.001,1.0,0,0,116);
INSERT INTO "sequence_result" VALUES(11,17,'protein17','medium',50,0.9999883,0.001,1.0,0,0,117);
INSERT INTO "sequence_result" VALUES(11,18,'protein18','medium',50,0.9999882,0.001,1.0,0,0,118);
INSERT INTO "sequence_result" VALUES(11,19,'protein19','medium',50,0.9999881,0.001,1.0,0,0,119);
INSERT INTO "sequence_result" VALUES(11,20,'protein20','long',50,9.99988000000000099021e-01,0.001,1.0,0,0,120);
INSERT INTO "sequence_result" VALUES(11,21,'protein21','long',50,0.9999879,0.001,1.0,0,0,121);
INSERT INTO "sequence_result" VALUES(11,22,'protein22','long',50,9.9998780000000009327e-01,0.001,1.0,0,0,122);
INSERT INTO "sequence_result" VALUES(11,23,'protein23','long',50,0.9999877,0.001,1.0,0,0,123);
INSERT INTO "sequence_result" VALUES(11,24,'protein24','long',50,9.99987600000000087518e-01,0.001,1.0,0,0,124);
INSERT INTO "sequence_result" VALUES(11,25,'protein25','long',50,0.9999875,0.001,1.0,0,0,125);
INSERT INTO "sequence_result" VALUES(11,26,'protein26','long',50,9.99987400000000081767e-01,0.001,1.0,0,0,126);
INSERT INTO "sequence_result" VALUES(11,27,'protein27','long',50,0.9999873,0.001,1.0,0,0,127);
INSERT INTO "sequence_result" VALUES(11,28,'protein28','long',50,9.99987200000000076016e-01,0.001,1.0,0,0,128);
INSERT INTO "sequence_result" VALUES(11,29,'protein29','long',50,0.9999871,0.001,1.0,0,0,129);
INSERT INTO "sequence_result" VALUES(12,0,'protein0','short',50,0.99999,0.001,1.0,0,0,5);
INSERT INTO "sequence_result" VALUES(12,1,'protein1','short',50,0.99999,0.001,1.0,0,0,NULL);
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
INSERT INTO "similarity_sample" VALUES(7,10,2,0,'short',30,0.9999,0.99995);
INSERT INTO "similarity_sample" VALUES(8,11,2,0,'short',30,0.9999,0.99995);
INSERT INTO "similarity_sample" VALUES(9,12,2,0,'short',2,0.9999,0.99995);
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
INSERT INTO "stratum" VALUES(10,'all',30,30,1500,0.99998,0.99999,0.99999,0,0,0,0.001,1.0,500.0,1000.0,2.0);
INSERT INTO "stratum" VALUES(10,'long',10,10,500,0.99998,0.99999,0.99999,0,0,0,0.001,1.0,500.0,1000.0,2.0);
INSERT INTO "stratum" VALUES(10,'medium',10,10,500,0.99998,0.99999,0.99999,0,0,0,0.001,1.0,500.0,1000.0,2.0);
INSERT INTO "stratum" VALUES(10,'short',10,10,500,0.99998,0.99999,0.99999,0,0,0,0.001,1.0,500.0,1000.0,2.0);
INSERT INTO "stratum" VALUES(11,'all',30,30,1500,0.99998,0.99999,0.99999,0,0,0,0.001,1.0,500.0,1000.0,2.0);
INSERT INTO "stratum" VALUES(11,'long',10,10,500,0.99998,0.99999,0.99999,0,0,0,0.001,1.0,500.0,1000.0,2.0);
INSERT INTO "stratum" VALUES(11,'medium',10,10,500,0.99998,0.99999,0.99999,0,0,0,0.001,1.0,500.0,1000.0,2.0);
INSERT INTO "stratum" VALUES(11,'short',10,10,500,0.99998,0.99999,0.99999,0,0,0,0.001,1.0,500.0,1000.0,2.0);
INSERT INTO "stratum" VALUES(12,'all',10,10,500,0.99999,0.99999,0.999995,0,0,0,0.001,1.0005,1000.0,2000.0,2.0);
INSERT INTO "stratum" VALUES(12,'long',10,10,500,0.99999,0.99999,0.999995,0,0,0,0.001,1.0005,1000.0,2000.0,2.0);
INSERT INTO "stratum" VALUES(12,'medium',10,10,500,0.99999,0.99999,0.999995,0,0,0,0.001,1.0005,1000.0,2000.0,2.0);
INSERT INTO "stratum" VALUES(12,'short',10,10,500,0.99999,0.99999,0.999995,0,0,0,0.001,1.0005,1000.0,2000.0,2.0);
CREATE INDEX ix_alert_run_id_id ON alert (run_id, id);
CREATE INDEX ix_block_sample_run_id_id ON block_sample (run_id, id);
CREATE INDEX ix_gpu_sample_run_id_id ON gpu_sample (run_id, id);
CREATE INDEX ix_run_event_run_id_id ON run_event (run_id, id);
CREATE INDEX ix_run_tag_key_value ON run_tag ("key", value);
CREATE INDEX ix_similarity_sample_run_id_id ON similarity_sample (run_id, id);
CREATE INDEX ix_run_accuracy_key_status_started_at_us ON run (accuracy_key, status, started_at_us);
CREATE INDEX ix_run_group_id ON run (group_id);
CREATE INDEX ix_run_name ON run (name);
CREATE INDEX ix_run_perf_key_status_started_at_us ON run (perf_key, status, started_at_us);
CREATE INDEX ix_run_status ON run (status);
CREATE INDEX ix_metric_name_scope_run_id ON metric (name, scope, run_id);
CREATE UNIQUE INDEX uq_baseline_active ON baseline (name, key_kind, "key") WHERE retired_at_us IS NULL;
CREATE INDEX ix_baseline_member_run_id ON baseline_member (run_id);
CREATE INDEX ix_comparison_candidate_group_id ON comparison (candidate_group_id);
CREATE TRIGGER comparison_refuses_update BEFORE UPDATE ON comparison BEGIN SELECT RAISE(ABORT, 'a comparison is never changed'); END;
CREATE TRIGGER comparison_refuses_delete BEFORE DELETE ON comparison BEGIN SELECT RAISE(ABORT, 'a comparison is never changed'); END;
CREATE TRIGGER comparison_item_refuses_update BEFORE UPDATE ON comparison_item BEGIN SELECT RAISE(ABORT, 'a comparison is never changed'); END;
CREATE TRIGGER comparison_item_refuses_delete BEFORE DELETE ON comparison_item BEGIN SELECT RAISE(ABORT, 'a comparison is never changed'); END;
COMMIT;
